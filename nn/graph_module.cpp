#include "catena/nn/graph_module.hpp"

#include <algorithm>

#include <fmt/format.h>


namespace catena::nn {

GraphModule::GraphModule(Graph graph, Location loc) : graph_(std::move(graph)) {
  // "a.b.weight" is the parameter "weight" of the part "b" of the part "a".
  const auto part = [&](const std::string& path) -> Module& {
    Module* at = this;
    for (std::size_t dot = 0; dot != std::string::npos && !path.empty();) {
      const std::size_t from = dot == 0 ? 0 : dot + 1;
      dot = path.find('.', from);
      const std::string prefix = path.substr(0, dot);
      auto it = parts_.find(prefix);
      if (it == parts_.end()) {
        it = parts_.emplace(prefix, Module()).first;
        at->register_module(prefix.substr(from), it->second, loc);
      }
      at = &it->second;
    }
    return *at;
  };
  for (const auto& [name, tensor] : graph_.named_parameters()) {
    const std::size_t dot = name.rfind('.');
    Module& owner = part(dot == std::string::npos ? "" : name.substr(0, dot));
    const std::string own = dot == std::string::npos ? name : name.substr(dot + 1);
    if (tensor.requires_grad())
      owner.register_parameter(own, tensor, loc);
    else
      owner.register_buffer(own, tensor, true, loc);
  }
  // As buffers the constants follow to(device).
  for (const Graph::Named& constant : graph_.constants()) {
    std::string name = constant.name;
    std::replace(name.begin(), name.end(), '.', '_');
    part("constants").register_buffer(name, graph_.tensor(constant.value), false, loc);
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
