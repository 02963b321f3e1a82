// Calls written as the ops they are made of: composite ops, and user ops that say how.
#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/serialization/onnx/export/emitter.hpp"
#include "catena_onnx_model.pb.h"

namespace catena::onnx_export {

// The composition is traced at two sizes of the axes; what differs follows them.
Graph Emitter::composition(const Call& call) const {
  const OpValue& op = call.node->op;
  std::vector<std::int64_t> sizes;
  for (const Graph::Axis& axis : graph_.axes())
    sizes.push_back(std::max<std::int64_t>(2, axis.example));
  const std::vector<std::int64_t> others = distinguishing_sizes(sizes);
  const auto traced = [&](const std::vector<std::int64_t>& at) {
    OpValue resolved = op;
    for (const Graph::SymbolicAttr& s : call.node->symbolic) {
      const std::int64_t value = s.value.evaluate(at).value();
      AttrValue whole = op.get(s.attr);
      if (s.element < 0)
        whole = value;
      else
        std::get<std::vector<std::int64_t>>(whole)[static_cast<std::size_t>(s.element)] = value;
      resolved.set(s.attr, whole);
    }
    std::vector<Tensor> inputs;
    for (const Value& in : call.inputs) {
      Shape shape;
      for (const SymbolicInt& s : in.shape) {
        const std::optional<std::int64_t> size = s.evaluate(at);
        if (!size) refuse("the shape of an input is not known, so its composition is not either");
        shape.push_back(*size);
      }
      inputs.push_back(zeros(shape, in.dtype));
    }
    return trace(
        [&](std::span<const Tensor> in) {
          return std::vector<Tensor>{resolved.info().compose(resolved.attrs(), in)};
        },
        inputs);
  };
  const Graph first = traced(sizes), second = graph_.axes().empty() ? first : traced(others);

  const auto differs = [&] { refuse("its composition depends on the sizes of the axes"); };
  Graph merged;
  for (const Graph::Axis& axis : graph_.axes()) merged.add_axis(axis.name, axis.example);
  std::unordered_map<Graph::ValueId, Graph::ValueId> id;
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    id[first.inputs()[i].value] =
        merged.add_input(first.inputs()[i].name, call.inputs[i].dtype, call.inputs[i].shape);
  if (first.nodes().size() != second.nodes().size()) differs();
  for (std::size_t k = 0; k < first.nodes().size(); ++k) {
    const Graph::Node &a = first.nodes()[k], &b = second.nodes()[k];
    if (&a.op.info() != &b.op.info() || a.inputs.size() != b.inputs.size()) differs();
    std::vector<Graph::ValueId> inputs;
    for (std::size_t i = 0; i < a.inputs.size(); ++i) {
      const Graph::ValueId x = a.inputs[i];
      if (first.values()[static_cast<std::size_t>(x)].kind == Graph::ValueKind::kConstant) {
        const Tensor &p = first.tensor(x), &q = second.tensor(b.inputs[i]);
        if (p.shape() != q.shape() || p.to_vector<double>() != q.to_vector<double>()) differs();
        if (!id.contains(x)) id[x] = merged.add_constant(p);
      }
      inputs.push_back(id.at(x));
    }
    std::vector<Graph::SymbolicAttr> symbolic;
    const AttrList list = a.op.attr_list(), other = b.op.attr_list();
    for (std::size_t n = 0; n < list.size(); ++n) {
      const auto follow = [&](std::int32_t element, std::int64_t x, std::int64_t y) {
        if (x == y) return;
        const std::optional<SymbolicInt> fit = fit_symbolic(x, y, sizes, others);
        if (!fit) differs();
        symbolic.push_back({list[n].name, element, *fit});
      };
      const auto* x = std::get_if<std::vector<std::int64_t>>(&list[n].value);
      const auto* y = std::get_if<std::vector<std::int64_t>>(&other[n].value);
      if (const auto* one = std::get_if<std::int64_t>(&list[n].value))
        follow(-1, *one, std::get<std::int64_t>(other[n].value));
      else if (x && y && x->size() == y->size())
        for (std::size_t e = 0; e < x->size(); ++e)
          follow(static_cast<std::int32_t>(e), (*x)[e], (*y)[e]);
      else if (!(list[n].value == other[n].value))
        differs();
    }
    const Graph::ValueId node = merged.add_node(a.op, inputs, {}, symbolic);
    for (int r = 0; r < a.num_outputs; ++r) id[a.first_output + r] = node + r;
  }
  const Graph::ValueId result = first.outputs()[0].value;
  if (!id.contains(result)) id[result] = merged.add_constant(first.tensor(result));
  merged.add_output("output", id.at(result));
  merged.infer_shapes();
  return merged;
}

void Emitter::compose() {
  const Graph parts = composition(calls_.back());
  std::unordered_map<Graph::ValueId, Value> values;
  for (std::size_t i = 0; i < parts.inputs().size(); ++i)
    values[parts.inputs()[i].value] = calls_.back().inputs[i];
  emit_calls(parts, values, {});
  result(values.at(parts.outputs()[0].value));
}

}  // namespace catena::onnx_export
