#include "catena/graph/plain.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstring>

#include "catena/graph/core_ops.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/profile_scope.hpp"
#include "catena/graph/record.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/view.hpp"
#include "catena/graph/walk.hpp"

// Loops over two or three operands are written out.
#define CATENA_UNROLL _Pragma("GCC unroll 3")

namespace catena::detail {
namespace {

// dtype, device and contiguity as one word, so that one comparison covers the three.
std::uint32_t kind_of(const TensorImpl* t) {
  static_assert(std::endian::native == std::endian::little);
  static_assert(offsetof(TensorImpl, device) == offsetof(TensorImpl, dtype) + 1);
  static_assert(offsetof(TensorImpl, contiguous) == offsetof(TensorImpl, dtype) + 3);
  std::uint32_t word;
  std::memcpy(&word, reinterpret_cast<const char*>(t) + offsetof(TensorImpl, dtype), sizeof word);
  return word;
}
// Contiguous and on the CPU, whatever the dtype.
bool is_plain(std::uint32_t kind) { return kind >> 8 == 1u << 16; }

// A call with as many elements is not plain: none is while they are to be profiled.
std::atomic<std::int64_t> plain_elements{kPlainElements};

bool is_small(std::int64_t numel, const ThreadState& state) {
  return numel < plain_elements.load(std::memory_order_relaxed) &&
         (!state.deferral || numel < least_deferred.load(std::memory_order_relaxed));
}

constexpr unsigned kSavesOutputBit = 1u << kMaxPointwiseInputs;

// Bit i: the gradient of operand i will be asked for.
unsigned wants_of(const OpInfo& op, Operand* const* operands, int n) {
  unsigned wants = 0;
  if (thread_state.grad_enabled && op.differentiable)
    for (int i = 0; i < n; ++i)
      wants |= static_cast<unsigned>(operands[i]->impl()->requires_grad) << i;
  return wants;
}

// The storage of a temporary that nobody else can see and no gradient reads.
Storage* take_from(const Operand& operand, std::size_t bytes) {
  if (!operand.owned()) return nullptr;
  TensorImpl* t = operand.impl();
  if (t->counts.load(std::memory_order_acquire) != kOneHandle || t->offset != 0 ||
      t->saved.load(std::memory_order_relaxed))
    return nullptr;
  Storage* s = t->storage;
  if (s->bytes != bytes || s->refs.load(std::memory_order_acquire) != 1 || s->release ||
      s->escaped.load(std::memory_order_relaxed) ||
      s->pending_reads.load(std::memory_order_acquire) != 0)
    return nullptr;
  t->storage = nullptr;
  return s;
}

template <int N>
void record(TensorImpl* out, TensorImpl* const* in, unsigned wants, unsigned saves,
            const OpInfo& op, const void* attrs, Operand* const* operands,
            const std::source_location& location) {
  ThreadState& state = thread_state;
  Node& node = out->node;
  store_attrs(node, op, attrs);
  node.location = state.has_call_site ? state.call_site : location;
  node.thread = thread_id();
  node.num_inputs = N;
  std::uint64_t sequence = state.sequence;
  CATENA_UNROLL
  for (int i = 0; i < N; ++i) {
    const unsigned want = wants >> i & 1u, saved = saves >> i & 1u;
    if (!(want | saved)) continue;
    if (want && in[i]->producer && in[i]->producer->sequence > sequence)
      sequence = in[i]->producer->sequence;
    if (saved) {
      if (!in[i]->saved.load(std::memory_order_relaxed))
        in[i]->saved.store(true, std::memory_order_relaxed);
      node.inline_versions[i] = in[i]->storage->version.load(std::memory_order_relaxed);
    }
    static_assert(Edge::kNeedsGrad == 1 && Edge::kSaved == 2);
    operands[i]->become_edge();
    node.inline_edges[i] = Edge(in[i], want | saved << 1);
  }
  node.sequence = state.sequence = sequence + 1;
  if (saves & kSavesOutputBit) {
    out->saved.store(true, std::memory_order_relaxed);
    node.flags |= Node::kSavesOutput;
    node.output_version = out->storage->version.load(std::memory_order_relaxed);
  }
  out->producer = &node;
  out->requires_grad = true;
}

template <int N>
TensorImpl* call(const OpInfo& op, const void* attrs, Operand* const* operands,
                 const std::source_location& location) {
  const ThreadState& state = thread_state;
  TensorImpl* in[N];
  CATENA_UNROLL
  for (int i = 0; i < N; ++i) {
    in[i] = operands[i]->impl();
    if (!in[i] || in[i]->pending.load(std::memory_order_acquire)) return nullptr;
  }
  const std::uint32_t kind = kind_of(in[0]);
  const TensorImpl* shaped = in[0];  // one with the shape of the result
  CATENA_UNROLL
  for (int i = 1; i < N; ++i) {
    if (kind_of(in[i]) != kind) return nullptr;
    if (in[i]->numel > shaped->numel || in[i]->shape.rank() > shaped->shape.rank()) shaped = in[i];
  }
  if (!is_plain(kind) || !is_small(shaped->numel, state)) return nullptr;
  std::int64_t strides[N];
  unsigned numbers = 0;  // bit i: operand i is one number for all elements
  CATENA_UNROLL
  for (int i = 0; i < N; ++i) {
    strides[i] = 1;
    if (in[i]->shape == shaped->shape) continue;
    if (in[i]->numel != 1 || in[i]->shape.rank() > shaped->shape.rank()) return nullptr;
    strides[i] = 0;
    numbers |= 1u << i;
  }
  const PointwiseLoops* loops = op.rows[0].loops;
  const PointwiseFn line = loops ? loops->value[static_cast<int>(shaped->dtype)] : nullptr;
  if (!line) return nullptr;

  const unsigned wants = wants_of(op, operands, N);
  const unsigned saves = op.plain_saves[wants];
  const void* data[N];
  CATENA_UNROLL
  for (int i = 0; i < N; ++i) data[i] = data_of(in[i]);
  Tensor result = Tensor::adopt(new_impl());
  TensorImpl* out = result.impl();
  out->shape = shaped->shape;
  out->strides = shaped->strides;
  out->numel = shaped->numel;
  out->dtype = shaped->dtype;
  const std::size_t bytes = static_cast<std::size_t>(out->numel) * size_of(out->dtype);
  for (int i = 0; i < N && !out->storage; ++i)
    if (!(saves >> i & 1u)) out->storage = take_from(*operands[i], bytes);
  if (!out->storage) out->storage = allocate_storage(bytes, kCpu);
  line(attrs, out->storage->data, data, strides, out->numel);
  if (wants) {
    record<N>(out, in, wants, saves, op, attrs, operands, location);
    if (!(wants & numbers)) out->node.flags |= Node::kPlain;
  }
  return result.release();
}

// A view of a computed value.
TensorImpl* view(const OpInfo& op, const void* attrs, Operand* const* operands,
                 const std::source_location& location) {
  TensorImpl* input = operands[0]->impl();
  if (!input || is_profiling()) return nullptr;
  ensure_ready(input);
  InferContext context(op, &input, 1,
                       thread_state.has_call_site ? thread_state.call_site : location);
  op.infer(attrs, context);
  const OutputSpec& spec = context.spec(0);
  if (!spec.view) return nullptr;
  checked_numel(spec.shape);
  Tensor result = Tensor::adopt(describe_output(spec, input));
  TensorImpl* out = result.impl();
  if (!is_differentiable(out->dtype) || !wants_record(op, operands, 1)) return result.release();
  if (op.relabels) {
    record<1>(out, &input, 1, 0, op, attrs, operands, location);
    out->node.flags |= Node::kPlain;
  } else {
    record_single(out, op, attrs, operands, 1, context.location());
  }
  return result.release();
}

}  // namespace

void set_plain_calls(bool on) {
  plain_elements.store(on ? kPlainElements : 0, std::memory_order_relaxed);
}

void describe_plain(OpInfo* info) {
  if (!info->pointwise.bool_result && info->pointwise.first_promoted == 0)
    info->plain_inputs = info->pointwise.inputs;
  for (unsigned wants = 0; wants < 1u << kMaxPointwiseInputs; ++wants) {
    std::uint32_t mask = 0;
    for (int i = 0; i < kMaxPointwiseInputs; ++i)
      if (wants >> i & 1u) mask |= info->saves.mask_for(i);
    const std::uint32_t inputs = mask & Saves::kAllInputs ? kSavesOutputBit - 1 : mask;
    info->plain_saves[wants] = static_cast<std::uint8_t>(
        (inputs & (kSavesOutputBit - 1)) | (mask & Saves::kOutput ? kSavesOutputBit : 0));
  }
}

Storage* take_storage(const OpInfo& op, Operand* const* operands, int n, const TensorImpl* out) {
  const std::size_t bytes = static_cast<std::size_t>(out->numel) * size_of(out->dtype);
  const unsigned saves = op.plain_saves[wants_of(op, operands, n)];
  for (int i = 0; i < n; ++i) {
    const TensorImpl* t = operands[i]->impl();
    if (saves >> i & 1u || !t->device.is_cpu() || !t->contiguous || !(t->shape == out->shape))
      continue;
    if (Storage* s = take_from(*operands[i], bytes)) return s;
  }
  return nullptr;
}

TensorImpl* plain_call(const OpInfo& op, const void* attrs, Operand* const* operands, int n,
                       const std::source_location& location) {
  const ThreadState& state = thread_state;
  if (state.tracer || state.substitution || state.detect_anomaly) return nullptr;
  if (n != op.plain_inputs)
    return op.kind == OpKind::kView && n == 1 ? view(op, attrs, operands, location) : nullptr;
  switch (n) {
    case 1:
      return call<1>(op, attrs, operands, location);
    case 2:
      return call<2>(op, attrs, operands, location);
    case 3:
      return call<3>(op, attrs, operands, location);
    default:
      return nullptr;
  }
}

// --- Backward ---

// Hands on a gradient of the input's own kind and shape.
void Walk::give(Edge& edge, Tensor g, const Node& from, int index) {
  TensorImpl* t = edge.input();
  if (t->output_index >= 0 || !owns_inline(t->node)) [[unlikely]]
    return accumulate(edge, std::move(g), from, index);
  if (!(t->node.flags & Node::kQueued)) {
    t->node.flags |= Node::kQueued;
    push(&t->node, t->producer ? t->node.sequence : 0);
    if (!retain()) edge.set_taken();
  }
  if (t->slot == 0) [[likely]]
    t->slot = reinterpret_cast<std::uintptr_t>(g.release());
  else
    add_dense(t->slot, std::move(g));
}

// Adds the gradient of input i to one that is there already; false when there is none, or it is not
// ours to write. An input that is used more than once needs no tensor for each use then.
bool Walk::add_in_place(Node& node, int i, TensorImpl* g, const void* const* in,
                        const std::int64_t* strides) {
  TensorImpl* target = addable(node.inline_edges[i], g);
  if (!target) return false;
  const PointwiseLoops& loops = *node.op->rows[0].loops;
  const int type = static_cast<int>(g->dtype);
  const bool identity = loops.identity_grads >> i & 1u;
  alignas(64) std::byte scratch[1024];
  const std::size_t bytes = static_cast<std::size_t>(g->numel) * size_of(g->dtype);
  if (!identity && bytes > sizeof scratch) return false;
  if (!identity) loops.grad[i][type](node.attrs(), scratch, in, strides, g->numel);
  static constexpr std::int64_t kUnit[] = {1, 1};
  const void* sum[] = {data_of(target), identity ? in[0] : scratch};
  core_ops().add_loops->value[type](core_ops().add_op, data_of(target), sum, kUnit, g->numel);
  return true;
}

template <int N>
bool Walk::plain_gradients(Node& node, Tensor& g) {
  TensorImpl* out = impl_of(&node);
  TensorImpl* arrived = g.impl();
  const std::uint32_t kind = kind_of(out);
  if (kind_of(arrived) != kind || arrived->pending.load(std::memory_order_acquire)) return false;
  const PointwiseLoops& loops = *node.op->rows[0].loops;
  const int type = static_cast<int>(out->dtype);
  Edge* edges = node.inline_edges;
  const void* in[N + 2] = {data_of(arrived)};
  std::int64_t strides[N + 2] = {1};
  unsigned wanted = 0;
  CATENA_UNROLL
  for (int i = 0; i < N; ++i) {
    const TensorImpl* t = edges[i].input();
    if (!t) continue;
    if (kind_of(t) != kind) return false;
    if (wants(edges[i])) {
      if (!(loops.identity_grads >> i & 1u) && !loops.grad[i][type]) return false;
      wanted |= 1u << i;
    }
    if (!edges[i].saved()) continue;
    check_version(node, edges[i], node.inline_versions[i], i);
    in[i + 1] = data_of(t);
    strides[i + 1] = t->numel == out->numel ? 1 : 0;
  }
  if (node.flags & Node::kSavesOutput) {
    if (out->storage->version.load(std::memory_order_relaxed) != node.output_version)
      return false;  // the op's rule says what happened
    in[N + 1] = data_of(out);
    strides[N + 1] = 1;
  }
  // Inputs that have a gradient already come first, so that g is left for the others to take over.
  if (N > 1 && wanted & (wanted - 1)) {
    CATENA_UNROLL
    for (int i = 0; i < N; ++i)
      if (wanted >> i & 1u && has_gradient(edges[i]) && add_in_place(node, i, arrived, in, strides))
        wanted &= ~(1u << i);
  }
  CATENA_UNROLL
  for (int i = 0; i < N; ++i) {
    if (!(wanted >> i & 1u)) continue;
    const bool last = wanted >> (i + 1) == 0;
    if (loops.identity_grads >> i & 1u) {
      give(edges[i], last ? std::move(g) : g, node, i);
    } else if (last && is_unique(arrived)) {
      loops.grad[i][type](node.attrs(), data_of(arrived), in, strides, out->numel);
      give(edges[i], std::move(g), node, i);
    } else {
      Tensor own = Tensor::adopt(empty_impl(out->shape, out->dtype, kCpu));
      loops.grad[i][type](node.attrs(), data_of(own.impl()), in, strides, out->numel);
      give(edges[i], std::move(own), node, i);
    }
  }
  return true;
}

// The gradient of a reshape is the incoming one under the input's shape: relabelled where it stands
// when nobody else sees it.
bool Walk::relabel(Node& node, Tensor& g) {
  Edge& edge = node.inline_edges[0];
  const TensorImpl* input = edge.input();
  ensure_ready(g.impl());
  if (!g.is_contiguous()) return false;
  const bool same_kind = kind_of(g.impl()) == kind_of(input) && wants(edge);
  const bool sole = g.impl()->counts.load(std::memory_order_acquire) == kOneHandle;
  TensorImpl* t = sole ? g.release() : alias_of(g.impl());
  t->shape = input->shape;
  set_contiguous_strides(input->shape, &t->strides);
  if (same_kind)
    give(edge, Tensor::adopt(t), node, 0);
  else
    accumulate(edge, Tensor::adopt(t), node, 0);
  return true;
}

bool Walk::run_plain(Node& node, Tensor& g) {
  if (!(node.flags & Node::kPlain)) return false;
  if (node.op->relabels) return relabel(node, g);
  switch (node.num_inputs) {
    case 1:
      return plain_gradients<1>(node, g);
    case 2:
      return plain_gradients<2>(node, g);
    default:
      return plain_gradients<3>(node, g);
  }
}

// The whole of a plain node, in a walk that is neither recorded nor captured.
bool Walk::process_plain(Node& node) {
  if ((node.flags & (Node::kPlain | Node::kReleased)) != Node::kPlain) return false;
  if (!owns_inline(node) || thread_state.detect_anomaly) return false;
  TensorImpl* out = impl_of(&node);
  if (out->extra || out->slot & Gathered::kTag) return false;
  const EntryCount count(*this, node);
  node.flags &= static_cast<std::uint8_t>(~Node::kQueued);
  Tensor g = Tensor::adopt(take(out->slot));
  if (!run_plain(node, g)) {
    current_ = std::move(g);
    differentiate(node);
    return true;
  }
  release(node);
  return true;
}

}  // namespace catena::detail
