// Dtypes and shapes of a graph's values, from the ops' shape rules alone.
#include <optional>

#include <fmt/format.h>
#include <boost/container/small_vector.hpp>

#include "catena/graph/graph.hpp"

namespace catena {
namespace {

using Impls = boost::container::small_vector<detail::TensorImpl*, 4>;

// A tensor object without memory: all a shape rule looks at.
Tensor described(const Shape& shape, DType dtype) {
  detail::TensorImpl* t = detail::new_impl();
  Tensor handle = Tensor::adopt(t);
  t->numel = checked_numel(shape);
  t->shape = shape;
  t->strides = contiguous_strides(shape);
  t->dtype = dtype;
  return handle;
}

Tensor described(const OutputSpec& spec) {
  Tensor handle = described(spec.shape, spec.dtype);
  if (spec.view && !spec.row_major) {
    handle.impl()->strides = spec.strides;
    handle.impl()->offset = spec.offset;
    handle.impl()->contiguous = spec.strides == contiguous_strides(spec.shape);
  }
  return handle;
}

OutputSpec pointwise_spec(const OpInfo& op, const Impls& inputs, const std::source_location& loc) {
  OutputSpec spec;
  spec.shape = inputs[0]->shape;
  const auto first = static_cast<std::size_t>(op.pointwise.first_promoted);
  DType dtype = inputs[first]->dtype;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    Shape joined;
    if (!broadcast_shapes(spec.shape, inputs[i]->shape, &joined))
      throw_argument(op.name,
                     fmt::format("shapes do not broadcast: {} and {}; expected sizes that are "
                                 "equal or 1, counted from the right",
                                 to_string(spec.shape), to_string(inputs[i]->shape)),
                     loc);
    spec.shape = joined;
    if (i > first) dtype = promote(dtype, inputs[i]->dtype);
  }
  if (op.pointwise.integer_to_float && !is_floating(dtype)) dtype = kFloat32;
  spec.dtype = op.pointwise.bool_result ? kBool : dtype;
  return spec;
}

}  // namespace

void Graph::infer_shapes(std::source_location loc) {
  struct Found {
    bool known = false;
    DType dtype = kFloat32;
    Shape shape;
  };
  const auto pass = [&](std::span<const std::int64_t> sizes) {
    std::vector<Found> found(values_.size());
    std::vector<Tensor> live(values_.size());
    std::vector<std::uint32_t> readers(values_.size(), 0);
    for (const Node& node : nodes_)
      for (ValueId id : node.inputs) ++readers[static_cast<std::size_t>(id)];
    for (std::size_t id = 0; id < values_.size(); ++id) {
      const Value& v = values_[id];
      if (v.kind == ValueKind::kResult) continue;
      Shape shape;
      bool known = true;
      for (const SymbolicInt& s : v.shape) {
        const std::optional<std::int64_t> size = s.evaluate(sizes);
        if (!size)
          known = false;
        else
          shape.push_back(*size);
      }
      if (!known) continue;
      found[id] = {true, v.dtype, shape};
      live[id] = described(shape, v.dtype);
    }
    for (std::size_t k = 0; k < nodes_.size(); ++k) {
      const Node& node = nodes_[k];
      const OpInfo& op = node.op.info();
      Impls inputs;
      bool known = op.kind != OpKind::kComposite;
      for (ValueId id : node.inputs) {
        inputs.push_back(live[static_cast<std::size_t>(id)].impl());
        known = known && inputs.back();
      }
      if (known) try {
          const OpValue resolved = resolved_op(node, sizes);
          boost::container::small_vector<OutputSpec, 1> specs;
          if (op.kind == OpKind::kPointwise) {
            specs.push_back(pointwise_spec(op, inputs, loc));
          } else {
            InferContext context(op, inputs.data(), static_cast<int>(inputs.size()), loc);
            op.infer(resolved.attrs(), context);
            for (int i = 0; i < context.num_outputs(); ++i) specs.push_back(context.spec(i));
          }
          if (specs.size() != static_cast<std::size_t>(node.num_outputs))
            throw_internal(fmt::format("[{}] declares {} outputs; its description says {}", op.name,
                                       specs.size(), node.num_outputs));
          for (std::size_t r = 0; r < specs.size(); ++r) {
            const auto id = static_cast<std::size_t>(node.first_output) + r;
            live[id] = described(specs[r]);
            found[id] = {true, specs[r].dtype, specs[r].shape};
          }
        } catch (const Error&) {
          rethrow_at(k);
        }
      for (ValueId id : node.inputs)
        if (--readers[static_cast<std::size_t>(id)] == 0) live[static_cast<std::size_t>(id)] = {};
    }
    return found;
  };

  std::vector<std::int64_t> first_sizes;
  for (const Axis& axis : axes_) first_sizes.push_back(axis.example < 2 ? 2 : axis.example);
  const std::vector<std::int64_t> second_sizes = distinguishing_sizes(first_sizes);
  const std::vector<Found> first = pass(first_sizes);
  const std::vector<Found> second = axes_.empty() ? first : pass(second_sizes);
  for (std::size_t id = 0; id < values_.size(); ++id) {
    Value& v = values_[id];
    if (v.kind != ValueKind::kResult) continue;
    v.described = first[id].known && second[id].known && first[id].dtype == second[id].dtype &&
                  first[id].shape.rank() == second[id].shape.rank();
    v.shape.clear();
    if (!v.described) continue;
    v.dtype = first[id].dtype;
    for (int d = 0; d < first[id].shape.rank(); ++d)
      v.shape.push_back(
          fit_symbolic(first[id].shape[d], second[id].shape[d], first_sizes, second_sizes)
              .value_or(SymbolicInt::unknown()));
  }
}

}  // namespace catena
