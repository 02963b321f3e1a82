// How one node's gradient is computed: a line of its formula, the backend's fused kernel, or the
// op's own rule.
#include <fmt/format.h>

#include "catena/graph/anomaly.hpp"
#include "catena/graph/core_ops.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/pointwise_program.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/view.hpp"
#include "catena/graph/walk.hpp"

namespace catena::detail {
void Walk::call_rule(Node& node) {
  if (!node.op->vjp)
    throw ArgumentError(
        fmt::format("[{}] this op has no gradient; detach its inputs or give it a vjp{}",
                    node.op->name, called_at(node.location)));
  VjpContext context(*this, node);
  node.op->vjp(node.attrs(), context);
}

void Walk::throw_overwritten(const Node& node, const Edge& edge, std::uint32_t expected,
                             int index) const {
  const TensorImpl* t = edge.input();
  const std::uint32_t found = t->storage->version.load(std::memory_order_relaxed);
  throw ArgumentError(fmt::format(
      "[{}] a value saved for backward was overwritten in place: input {} {} {} is at version {}; "
      "expected version {}; write to a clone() instead, or write after backward (overwritten{}){}",
      node.op->name, index, name_of(t->dtype), to_string(t->shape), found, expected,
      called_at(t->storage->last_write), called_at(node.location)));
}

// The gradients of a pointwise call on large tensors are deferred, as the call was: a gradient that
// is itself pending is joined, and so are saved values that were never given memory.
bool Walk::defer_gradients(Node& node, const Tensor& g, const KernelRow& row) {
  if (!row.loops) return false;
  const int n = node.num_inputs;
  Edge* edges = node.edges();
  TensorImpl* out = impl_of(&node);
  TensorImpl* inputs[PointwiseProgram::kMaxInputs] = {g.impl()};
  PointwiseFn lines[kMaxPointwiseInputs];
  for (int i = 0; i < n; ++i) {
    lines[i] = row.loops->grad[i][static_cast<int>(g.dtype())];
    if (wants(edges[i]) && !lines[i]) return false;
    if (!edges[i].saved()) continue;
    inputs[1 + i] = edges[i].input();
    if (!inputs[1 + i]->pending.load(std::memory_order_acquire))
      check_version(node, edges[i], node.versions()[i], i);
  }
  if (node.flags & Node::kSavesOutput) {
    inputs[1 + n] = out;
    if (!out->pending.load(std::memory_order_acquire)) VjpContext(*this, node).output();
  }
  Tensor gradients[kMaxPointwiseInputs];
  for (int i = 0; i < n; ++i) {
    if (!wants(edges[i])) continue;
    if (row.loops->identity_grads >> i & 1u) {
      gradients[i] = g;
      continue;
    }
    gradients[i] = Tensor::adopt(
        describe_output({.shape = out->shape, .dtype = g.dtype(), .device = g.device()}, nullptr));
    if (!defer(*node.op, node.attrs(), {.line = lines[i]}, inputs, n + 2, gradients[i].impl()))
      return false;
  }
  for (int i = 0; i < n; ++i)
    if (gradients[i].defined()) accumulate(edges[i], std::move(gradients[i]), node, i);
  return true;
}

// The backend's whole-gradient kernel, where there is one for this op, device and dtype.
bool Walk::run_fused(Node& node) {
  const OpInfo& op = *node.op;
  const bool multi = node.is_multi();
  const int num_outs = multi ? static_cast<int>(static_cast<MultiNode&>(node).num_outputs) : 1;
  const Device device =
      multi ? static_cast<MultiNode&>(node).outputs[0].device : impl_of(&node)->device;
  const KernelRow& row = op.rows[static_cast<int>(device.type)];
  if (!row.backward) return false;
  const Tensor g = arrived(node, 0);
  const bool pointwise = op.kind == OpKind::kPointwise;
  if (pointwise && may_defer(g.impl()) && defer_gradients(node, g, row)) return true;
  Edge* edges = node.edges();
  const int n = node.num_inputs;
  DType compute = g.dtype();
  if (!row.dtypes.contains(compute)) return false;
  const Shape out_shape =
      multi ? static_cast<MultiNode&>(node).outputs[0].shape : impl_of(&node)->shape;

  std::vector<TensorView> in(static_cast<std::size_t>(num_outs + n + num_outs));
  std::vector<Tensor> keep;
  auto put = [&](std::size_t at, Tensor t) {
    ensure_ready(t.impl());
    if (!t.is_contiguous() && !(pointwise && row.strided_inputs))
      t = Tensor::adopt(contiguous_copy(t.impl()));
    in[at] = view_of(t.impl());
    if (pointwise) broadcast_view(in[at], out_shape);
    keep.push_back(std::move(t));
  };
  for (int k = 0; k < num_outs; ++k)
    if (!(op.no_grad_outputs >> k & 1u)) put(static_cast<std::size_t>(k), arrived(node, k));
  VjpContext context(*this, node);
  for (int i = 0; i < n; ++i)
    if (edges[i].saved()) put(static_cast<std::size_t>(num_outs + i), context.input(i));
  if (node.flags & Node::kSavesOutput)
    for (int k = 0; k < num_outs; ++k)
      put(static_cast<std::size_t>(num_outs + n + k), context.output(k));

  std::vector<TensorView> out(static_cast<std::size_t>(n));
  std::vector<Tensor> grads(static_cast<std::size_t>(n));
  for (int i = 0; i < n; ++i) {
    if (!wants(edges[i])) continue;
    const TensorImpl* input = edges[i].input();
    const Shape& shape = pointwise ? out_shape : input->shape;
    Tensor& gi = grads[static_cast<std::size_t>(i)];
    gi = Tensor::adopt(empty_impl(shape, input->dtype, device));
    out[static_cast<std::size_t>(i)] = view_of(gi.impl());
  }
  KernelContext c;
  c.inputs = in.data();
  c.outputs = out.data();
  c.num_inputs = static_cast<int>(in.size());
  c.num_outputs = n;
  c.device = device;
  c.input_device = device;
  c.location = &node.location;
  if (!device.is_cpu()) c.stream = backend_of(device).current_stream(device.index);
  row.backward(node.attrs(), c);
  for (int i = 0; i < n; ++i)
    if (grads[static_cast<std::size_t>(i)].defined())
      accumulate(edges[i], std::move(grads[static_cast<std::size_t>(i)]), node, i);
  return true;
}

}  // namespace catena::detail
