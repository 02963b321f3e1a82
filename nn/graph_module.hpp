// A loaded graph as a module: its parameters are trained like any model's.
#pragma once

#include <string>
#include <vector>

#include "catena/graph/graph.hpp"
#include "catena/nn/dotted_parts.hpp"
#include "catena/nn/module.hpp"

namespace catena::nn {

//   nn::GraphModule model(load_graph("digits.catena"));
// Parameters keep their dotted names; those saved without a gradient become buffers, and so do the
// graph's constants ("constants.*", not part of state()). Training mode brings dropout back to
// work. The module and the graph given to it share the tensors.
class GraphModule : public Layer {
 public:
  explicit GraphModule(Graph graph, Location loc = Location::current());
  GraphModule(const GraphModule& o);

  // The only output of a graph with one input. Errors: another number of inputs or outputs.
  Tensor forward(Tensor x) override;
  // All outputs for all inputs.
  std::vector<Tensor> forward(const std::vector<Tensor>& inputs,
                              Location loc = Location::current());
  const Graph& graph() const { return graph_; }

 private:
  Graph graph_;
  DottedParts parts_;
};

}  // namespace catena::nn
