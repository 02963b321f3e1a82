// batch_norm in evaluation is (x - mean) (1 / (var + eps)^(1/2) weight) + bias: the calls of this
// form are one operator again.
#include <optional>

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

// How the calls of a graph hang together.
class Pattern {
 public:
  explicit Pattern(const Graph& graph) : graph_(graph), readers_(graph.values().size()) {
    for (const Graph::Node& node : graph.nodes()) {
      by_output_[node.first_output] = &node;
      for (const Graph::ValueId id : node.inputs) ++readers_[static_cast<std::size_t>(id)];
    }
    for (const Graph::Named& output : graph.outputs())
      ++readers_[static_cast<std::size_t>(output.value)];
  }
  // The call of this op that gives the value, if nobody else reads it.
  const Graph::Node* call(Graph::ValueId id, std::string_view op) const {
    const auto it = by_output_.find(id);
    if (it == by_output_.end() || readers_[static_cast<std::size_t>(id)] != 1) return nullptr;
    return op == it->second->op.info().name ? it->second : nullptr;
  }
  const Graph::Value& value(Graph::ValueId id) const {
    return graph_.values()[static_cast<std::size_t>(id)];
  }
  // A vector [C] that broadcasts to the second of `rank` dimensions: seen as [C, 1, ..], or as it
  // is.
  std::optional<Graph::ValueId> column(Graph::ValueId id, int rank) const {
    const SymbolicShape& shape = value(id).shape;
    if (rank < 2 || static_cast<int>(shape.size()) != rank - 1) return std::nullopt;
    for (std::size_t d = 1; d < shape.size(); ++d)
      if (shape[d] != SymbolicInt(1)) return std::nullopt;
    const Graph::Node* reshape = call(id, "reshape");
    if (!reshape) return rank == 2 ? std::optional(id) : std::nullopt;
    return value(reshape->inputs[0]).shape.size() == 1 ? std::optional(reshape->inputs[0])
                                                       : std::nullopt;
  }
  std::optional<double> number(Graph::ValueId id) const {
    const Graph::Value& v = value(id);
    if (v.kind != Graph::ValueKind::kConstant || !v.shape.empty()) return std::nullopt;
    return graph_.tensor(id).to_vector<double>()[0];
  }

 private:
  const Graph& graph_;
  std::unordered_map<Graph::ValueId, const Graph::Node*> by_output_;
  std::vector<int> readers_;
};

}  // namespace

std::unordered_map<Graph::ValueId, BatchNorm> find_batch_norms(const Graph& graph) {
  const Pattern at(graph);
  std::unordered_map<Graph::ValueId, BatchNorm> found;
  // (x - mean) * scale, the last call but for the bias.
  for (const Graph::Node& scaled : graph.nodes()) {
    if (std::string_view(scaled.op.info().name) != "mul") continue;
    BatchNorm b;
    const Graph::Node* centred = at.call(scaled.inputs[0], "sub");
    if (!centred || !at.value(centred->inputs[0]).described) continue;
    b.x = centred->inputs[0];
    const int rank = static_cast<int>(at.value(b.x).shape.size());
    const auto mean = at.column(centred->inputs[1], rank),
               scale = at.column(scaled.inputs[1], rank);
    if (!mean || !scale || at.value(b.x).dtype != kFloat32) continue;
    b.mean = *mean;
    b.parts = {scaled.inputs[0], scaled.inputs[1], centred->inputs[1], *scale};
    const Graph::Node* inverse = at.call(*scale, "div");
    if (const Graph::Node* weighted = at.call(*scale, "mul")) {
      b.weight = weighted->inputs[1];
      if (at.value(b.weight).shape != at.value(b.mean).shape) continue;
      b.parts.push_back(weighted->inputs[0]);
      inverse = at.call(weighted->inputs[0], "div");
    }
    if (!inverse || at.number(inverse->inputs[0]) != 1.0) continue;
    const Graph::Node* root = at.call(inverse->inputs[1], "sqrt");
    const Graph::Node* shifted = root ? at.call(root->inputs[0], "add") : nullptr;
    const auto eps = shifted ? at.number(shifted->inputs[1]) : std::nullopt;
    if (!eps) continue;
    b.eps = *eps;
    b.var = shifted->inputs[0];
    if (at.value(b.var).shape != at.value(b.mean).shape) continue;
    b.parts.push_back(inverse->inputs[1]);
    b.parts.push_back(root->inputs[0]);
    Graph::ValueId last = scaled.first_output;
    for (const Graph::Node& moved : graph.nodes()) {
      if (std::string_view(moved.op.info().name) != "add" || moved.inputs[0] != last) continue;
      const auto bias = at.column(moved.inputs[1], rank);
      if (!at.call(last, "mul") || !bias) break;
      b.bias = *bias;
      b.parts.push_back(last);
      b.parts.push_back(moved.inputs[1]);
      last = moved.first_output;
      break;
    }
    found.emplace(last, std::move(b));
  }
  return found;
}

void Emitter::emit_batch_norm(double eps) {
  const Call& call = calls_.back();
  const Value& x = call.inputs[0];
  const Shape features = fixed(call.inputs[3].shape, "the number of features");
  const Value scale = call.inputs[1] ? call.inputs[1] : constant(ones(features));
  const Value bias = call.inputs[2] ? call.inputs[2] : constant(zeros(features));
  result(node("BatchNormalization", {x, scale, bias, call.inputs[3], call.inputs[4]}, x.dtype,
              x.shape, {{"epsilon", eps}}));
}

}  // namespace catena::onnx_export
