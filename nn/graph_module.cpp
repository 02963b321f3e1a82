#include "catena/nn/graph_module.hpp"

#include <algorithm>

#include <fmt/format.h>

namespace catena::nn {

GraphModule::GraphModule(Graph graph, Location loc) : graph_(std::move(graph)) {
  for (const auto& [name, tensor] : graph_.named_parameters()) {
    if (tensor.requires_grad())
      parts_.add_parameter(*this, name, tensor, loc);
    else
      parts_.add_buffer(*this, name, tensor, true, loc);
  }
  // As buffers the constants follow to(device).
  for (const Graph::Named& constant : graph_.constants()) {
    std::string name = constant.name;
    std::replace(name.begin(), name.end(), '.', '_');
    parts_.add_buffer(*this, "constants." + name, graph_.tensor(constant.value), false, loc);
  }
}

GraphModule::GraphModule(const GraphModule& o) : Layer(o), graph_(o.graph_), parts_(o.parts_) {
  // Inside clone() the graph must compute with the clone's tensors.
  for (const auto list : {graph_.parameters(), graph_.constants()})
    for (const Graph::Named& named : list)
      graph_.replace_tensor(named.value, detail::copied(graph_.tensor(named.value)));
}

Tensor GraphModule::forward(Tensor x) {
  if (graph_.inputs().size() != 1 || graph_.outputs().size() != 1)
    throw ArgumentError(
        fmt::format("[GraphModule] the graph has {} inputs and {} outputs; forward(x) needs one of "
                    "each; call forward({{x, ...}})",
                    graph_.inputs().size(), graph_.outputs().size()));
  return std::move(forward(std::vector<Tensor>{std::move(x)}, call_location()).front());
}

std::vector<Tensor> GraphModule::forward(const std::vector<Tensor>& inputs, Location loc) {
  return graph_.run(inputs, is_training() ? Mode::kTraining : Mode::kEvaluation, loc);
}

}  // namespace catena::nn
