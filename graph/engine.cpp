// The backward walk: iterative, by falling sequence number, only along edges that lead to a wanted
// input. A node's consumers all have higher numbers, so its gradient is complete when it comes up;
// no dependency counts are needed, and the order, hence every bit, is the same each time.
#include <algorithm>
#include <cstddef>
#include <mutex>

#include <fmt/format.h>

#include "catena/graph/anomaly.hpp"
#include "catena/graph/core_ops.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/dispatch.hpp"
#include "catena/graph/tensor_extra.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/view.hpp"
#include "catena/graph/walk.hpp"

namespace catena {
namespace detail {
namespace {

// Pending weight products of one parameter are added up once their operands hold this much.
constexpr std::size_t kMaxProductBytes = 4 << 20;

constexpr std::uintptr_t kComplex = 1;  // the slot's word points at a Gathered

TensorImpl* impl_of(Node* node) {
  static_assert(std::is_standard_layout_v<Node>);
  return reinterpret_cast<TensorImpl*>(reinterpret_cast<char*>(node) - offsetof(TensorImpl, node));
}

// Adds in place when nobody else can see `target`.
bool try_add_in_place(TensorImpl* target, TensorImpl* g) {
  if (!target->contiguous || !is_unique(target) || target->dtype != g->dtype) return false;
  if (!(target->shape == g->shape)) return false;
  ensure_ready(g);
  if (target->device.is_cpu() && g->contiguous && target->numel < kPlainElements) {
    static constexpr std::int64_t kUnit[] = {1, 1};
    const void* in[] = {data_of(target), data_of(g)};
    const PointwiseFn line = core_ops().add_loops->value[static_cast<int>(target->dtype)];
    line(nullptr, data_of(target), in, kUnit, target->numel);
    return true;
  }
  backend_of(target->device).add_in_place(view_of(target), view_of(g), target->device.index);
  return true;
}

// Several threads may finish their walks at one shared parameter.
std::mutex& leaf_mutex(const TensorImpl* leaf) {
  static std::mutex stripes[64];
  return stripes[reinterpret_cast<std::uintptr_t>(leaf) / sizeof(TensorImpl) % 64];
}

}  // namespace

Walk::Walk(BackwardOptions options, const std::source_location& location)
    : options_(options),
      location_(location),
      thread_(thread_id()),
      nested_(thread_state.in_backward),
      grad_before_(thread_state.grad_enabled) {
  thread_state.in_backward = true;
  thread_state.grad_enabled = options.create_graph;
}

Walk::~Walk() {
  // After an exception the worklist still holds gradients and edges.
  for (Entry& e : heap_) {
    unmark_queued(e.node);
    if (e.node->is_multi()) {
      auto& multi = static_cast<MultiNode&>(*e.node);
      for (std::uint32_t k = 0; k < multi.num_outputs; ++k)
        discard(slot_of(multi, static_cast<int>(k)));
      if (!retain()) drop_multi_node(&multi);
    } else {
      discard(slot_of(impl_of(e.node)));
      if (!retain()) drop_edge(impl_of(e.node));
    }
  }
  thread_state.in_backward = nested_;
  thread_state.grad_enabled = grad_before_;
}

// --- Slots
// ----------------------------------------------------------------------------------------

std::uintptr_t& Walk::slot_of(TensorImpl* t) {
  if (t->output_index >= 0) return slot_of(static_cast<MultiNode&>(*t->producer), t->output_index);
  if (owns_inline(t->node)) [[likely]]
    return t->slot;
  return side_slots_[t];
}
std::uintptr_t& Walk::slot_of(MultiNode& node, int k) {
  if (owns_inline(node)) return node.outputs[k].slot;
  return side_slots_[&node.outputs[k]];
}

// Empties the slot; the caller owns the handle.
TensorImpl* Walk::take(std::uintptr_t& slot) {
  std::uintptr_t word = std::exchange(slot, 0);
  if (!(word & kComplex)) return reinterpret_cast<TensorImpl*>(word);
  std::unique_ptr<Gathered> g(reinterpret_cast<Gathered*>(word & ~kComplex));
  flush_products(*g);
  return g->dense;
}

void Walk::discard(std::uintptr_t& slot) {
  if (slot & kComplex) gathered(slot).products.clear();
  if (TensorImpl* g = take(slot)) drop_handle(g);
}

Gathered& Walk::gathered(std::uintptr_t& slot) {
  if (!(slot & kComplex)) {
    auto* g = new Gathered;
    g->dense = reinterpret_cast<TensorImpl*>(slot);
    slot = reinterpret_cast<std::uintptr_t>(g) | kComplex;
  }
  return *reinterpret_cast<Gathered*>(slot & ~kComplex);
}

void Walk::add_dense(std::uintptr_t& slot, Tensor g) {
  TensorImpl** target;
  if (slot & kComplex) {
    Gathered& many = gathered(slot);
    flush_products(many);
    target = &many.dense;
  } else {
    target = reinterpret_cast<TensorImpl**>(&slot);
  }
  if (!*target) {
    *target = g.release();
    return;
  }
  if (!options_.create_graph && (*target)->storage && try_add_in_place(*target, g.impl())) return;
  Tensor before = Tensor::adopt(*target);
  *target = nullptr;
  *target = core_ops().add(before, g).release();
}

// The gradient that `edge` leads to, if one is there already and g can be added in place.
TensorImpl* Walk::addable(const Edge& edge, const TensorImpl* g) {
  const std::uintptr_t slot = slot_of(edge.input());
  if (slot == 0 || slot & kComplex) return nullptr;
  auto* target = reinterpret_cast<TensorImpl*>(slot);
  const bool fits = target->storage && target->contiguous && is_unique(target) &&
                    target->dtype == g->dtype && target->device == g->device &&
                    target->shape == g->shape;
  return fits ? target : nullptr;
}

// The dense part as a buffer that may be written.
Tensor Walk::own_buffer(Gathered& g, const Shape& shape, DType dtype, Device device) {
  if (!g.dense) {
    g.dense = zeros(shape, {dtype, device}).release();
  } else {
    ensure_ready(g.dense);
    if (!g.dense->contiguous || !is_unique(g.dense)) {
      TensorImpl* copy = contiguous_copy(g.dense);
      drop_handle(std::exchange(g.dense, copy));
    }
  }
  return Tensor::share(g.dense);
}

void Walk::flush_products(Gathered& g) {
  if (g.products.empty()) return;
  std::vector<std::pair<Tensor, Tensor>> products = std::move(g.products);
  g.products.clear();
  g.product_bytes = 0;
  Tensor sum;
  if (products.size() == 1) {
    sum = core_ops().product_tn(products[0].first, products[0].second);
  } else {
    std::vector<Tensor> a, b;
    for (auto& [x, y] : products) {
      a.push_back(std::move(x));
      b.push_back(std::move(y));
    }
    sum = core_ops().product_tn(core_ops().concat_rows(a), core_ops().concat_rows(b));
  }
  if (!g.dense) {
    g.dense = sum.release();
  } else if (!try_add_in_place(g.dense, sum.impl())) {
    Tensor before = Tensor::adopt(std::exchange(g.dense, nullptr));
    g.dense = core_ops().add(before, sum).release();
  }
}

// --- The worklist
// -----------------------------------------------------------------------------------

bool Walk::mark_queued(Node* node) {
  if (!owns_inline(*node)) return side_queued_.insert(node).second;
  if (node->flags & Node::kQueued) return false;
  node->flags |= Node::kQueued;
  return true;
}
void Walk::unmark_queued(Node* node) {
  if (owns_inline(*node))
    node->flags &= static_cast<std::uint8_t>(~Node::kQueued);
  else
    side_queued_.erase(node);
}

void Walk::push(Node* node, std::uint64_t sequence) {
  heap_.push_back({sequence, node});
  std::push_heap(heap_.begin(), heap_.end());
}

// Puts the producer of `t` on the worklist once. Unless the tape is kept, the entry takes over the
// edge that led here, so that the walk needs no counting; a root brings an edge of its own.
void Walk::enqueue(TensorImpl* t, Edge* edge) {
  Node* node = t->producer ? t->producer : &t->node;
  if (!mark_queued(node)) return;
  push(node, t->producer ? node->sequence : 0);
  if (retain()) return;
  if (node->is_multi())
    static_cast<MultiNode*>(node)->refs.fetch_add(1, std::memory_order_relaxed);
  else if (edge)
    edge->set_taken();
  else
    add_edge(t);
}

void Walk::start(TensorImpl* root, Tensor gradient) {
  if (!root->requires_grad) return;
  enqueue(root, nullptr);
  add_dense(slot_of(root), std::move(gradient));
}

void Walk::capture(std::span<const Tensor> outputs, std::span<const Tensor> inputs) {
  capturing_ = true;
  captured_.resize(inputs.size());
  std::uint64_t lowest = ~std::uint64_t{0};
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const TensorImpl* t = inputs[i].impl();
    wanted_[t].push_back(i);
    lowest = std::min(lowest, t->producer ? t->producer->sequence : 0);
  }
  // All nodes reachable from the outputs, then usefulness from the inputs upwards: a tensor is
  // useful when it is wanted or when some input of its producer is.
  std::unordered_set<Node*> seen;
  std::vector<Node*> stack, order;
  auto visit = [&](const TensorImpl* t) {
    if (wanted_.count(t)) useful_.insert(t);
    Node* node = t->producer;
    if (node && node->sequence >= lowest && seen.insert(node).second) stack.push_back(node);
  };
  for (const Tensor& t : outputs) visit(t.impl());
  while (!stack.empty()) {
    Node* node = stack.back();
    stack.pop_back();
    order.push_back(node);
    for (int i = 0; i < node->num_inputs; ++i)
      if (node->edges()[i].needs_grad()) visit(node->edges()[i].input());
  }
  std::sort(order.begin(), order.end(),
            [](const Node* a, const Node* b) { return a->sequence < b->sequence; });
  std::unordered_set<const Node*> useful_nodes;
  for (Node* node : order) {
    bool useful = false;
    for (int i = 0; i < node->num_inputs; ++i) {
      const Edge& edge = node->edges()[i];
      if (!edge.needs_grad()) continue;
      const TensorImpl* input = edge.input();
      if (input->producer && useful_nodes.count(input->producer)) useful_.insert(input);
      useful |= useful_.count(input) > 0;
    }
    if (useful) useful_nodes.insert(node);
  }
  for (const Tensor& t : outputs)
    if (t.impl()->producer && useful_nodes.count(t.impl()->producer)) useful_.insert(t.impl());
  useful_.insert(nullptr);  // never empty while capturing
}

void Walk::run() {
  while (!heap_.empty()) {
    Node* node = heap_.front().node;
    std::pop_heap(heap_.begin(), heap_.end());
    heap_.pop_back();
    process(node);
  }
}

void Walk::process(Node* node) {
  unmark_queued(node);
  struct Keep {  // the count that the worklist entry held
    Node* node;
    bool active;
    ~Keep() {
      if (!active) return;
      if (node->is_multi())
        drop_multi_node(static_cast<MultiNode*>(node));
      else
        drop_edge(impl_of(node));
    }
  } keep{node, !retain()};
  if (!node->op)
    process_leaf(impl_of(node));
  else
    process_node(node);
  current_ = Tensor();
  current_multi_.clear();
}

// --- Leaves
// -----------------------------------------------------------------------------------------

Tensor Walk::apply_hooks(TensorImpl* t, Tensor g) {
  if (!t->extra) return g;
  auto hooks = t->extra->hooks;  // a hook may remove itself
  for (auto& [id, hook] : hooks) {
    Tensor changed = hook(g);
    if (!changed.defined()) continue;
    if (!(changed.shape() == t->shape) || changed.dtype() != t->dtype)
      throw ArgumentError(fmt::format(
          "[hook] the gradient it returned is {} {}; expected {} {} like the tensor; return a "
          "gradient of that shape or an undefined tensor to leave it{}",
          name_of(changed.dtype()), to_string(changed.shape()), name_of(t->dtype),
          to_string(t->shape), called_at(t->node.location)));
    g = std::move(changed);
  }
  if (t->extra->retain_grad && !t->is_leaf()) {
    if (t->grad) drop_handle(t->grad);
    t->grad = Tensor(g).release();
  }
  return g;
}

void Walk::process_leaf(TensorImpl* leaf) {
  Tensor g = Tensor::adopt(take(slot_of(leaf)));
  if (!g.defined()) return;
  g = apply_hooks(leaf, std::move(g));
  if (capturing_) {
    for (std::size_t i : wanted_[leaf]) captured_[i] = g;
    return;
  }
  std::lock_guard lock(leaf_mutex(leaf));
  if (!leaf->grad) {
    // A gradient that is a view, or that somebody else holds, is copied: grad() may be written.
    if (!options_.create_graph) {
      ensure_ready(g.impl());
      if (!g.is_contiguous() || !is_unique(g.impl())) g = Tensor::adopt(contiguous_copy(g.impl()));
    }
    leaf->grad = g.release();
    return;
  }
  if (!options_.create_graph) {
    ensure_ready(leaf->grad);
    ensure_ready(g.impl());
    if (leaf->grad->contiguous && !leaf->grad->requires_grad) {
      ensure_writable(leaf->grad->storage);
      backend_of(leaf->device)
          .add_in_place(view_of(leaf->grad), view_of(g.impl()), leaf->device.index);
      leaf->grad->storage->version.fetch_add(1, std::memory_order_relaxed);
      leaf->grad->storage->last_write = location_;
      return;
    }
  }
  Tensor before = Tensor::adopt(std::exchange(leaf->grad, nullptr));
  leaf->grad = core_ops().add(before, g).release();
}

// --- Nodes
// ------------------------------------------------------------------------------------------

Tensor Walk::arrived(Node& node, int k) {
  if (!node.is_multi()) return current_;
  Tensor& g = current_multi_[static_cast<std::size_t>(k)];
  if (!g.defined()) {
    const auto& out = static_cast<MultiNode&>(node).outputs[k];
    g = zeros(out.shape, {out.dtype, out.device});
  }
  return g;
}
bool Walk::has_arrived(Node& node, int k) const {
  return node.is_multi() ? current_multi_[static_cast<std::size_t>(k)].defined()
                         : current_.defined();
}

void Walk::release(Node& node) {
  if (retain()) return;
  clear_edges(node);
  node.flags |= Node::kReleased;
}

// The products gathered for the transpose of a matrix are, swapped, products of the matrix: they go
// on to it undone. So a weight used as x W^T gets its gradient in its own layout, and all its thin
// products gather in one place.
bool Walk::pass_products(Node& node) {
  if (node.is_multi() || node.op->kind != OpKind::kView || node.num_inputs != 1) return false;
  if (options_.create_graph || node.flags & Node::kReleased) return false;
  TensorImpl* out = impl_of(&node);
  if (out->extra || (capturing_ && wanted_.count(out))) return false;
  Edge& edge = node.edges()[0];
  const TensorImpl* in = edge.input();
  if (!wants(edge) || in->shape.rank() != 2 || out->shape.rank() != 2) return false;
  for (int d = 0; d < 2; ++d)
    if (out->shape[d] != in->shape[1 - d] || out->strides[d] != in->strides[1 - d] ||
        in->strides[d] == 0)
      return false;
  std::uintptr_t& slot = slot_of(out);
  if (!(slot & kComplex)) return false;
  Gathered& many = gathered(slot);
  if (many.dense || many.products.empty()) return false;
  auto products = std::move(many.products);
  many.products.clear();
  take(slot);
  for (auto& [a, b] : products) accumulate_product(edge, std::move(b), std::move(a), node, 0);
  release(node);
  return true;
}

void Walk::process_node(Node* node) {
  if (pass_products(*node)) return;
  // Taken first: an exception below leaves no gradient behind in the tape.
  if (node->is_multi()) {
    auto& multi = static_cast<MultiNode&>(*node);
    current_multi_.resize(multi.num_outputs);
    for (std::uint32_t k = 0; k < multi.num_outputs; ++k)
      current_multi_[k] = Tensor::adopt(take(slot_of(multi, static_cast<int>(k))));
  } else {
    current_ = Tensor::adopt(take(slot_of(impl_of(node))));
  }
  if (node->flags & Node::kReleased)
    throw ArgumentError(fmt::format(
        "[backward] the tape behind this tensor was already freed by an earlier backward: '{}' "
        "cannot be differentiated a second time; expected one backward per forward; pass "
        "retain_graph = true to the first one{}",
        node->op->name, called_at(node->location)));
  bool deeper = !capturing_ || node->is_multi();
  if (!node->is_multi()) {
    TensorImpl* t = impl_of(node);
    current_ = apply_hooks(t, std::move(current_));
    if (capturing_) {
      if (auto it = wanted_.find(t); it != wanted_.end())
        for (std::size_t i : it->second) captured_[i] = current_;
      for (int i = 0; i < node->num_inputs && !deeper; ++i) deeper = wants(node->edges()[i]);
    }
  }
  if (!deeper) return;
  CallSite here(node->location);
  const bool fused = !options_.create_graph && !thread_state.detect_anomaly;
  if (!(fused && (run_pointwise(*node, current_) || run_fused(*node)))) call_rule(*node);
  release(*node);
}

void Walk::call_rule(Node& node) {
  if (!node.op->vjp)
    throw ArgumentError(
        fmt::format("[{}] this op has no gradient; detach its inputs or give it a vjp{}",
                    node.op->name, called_at(node.location)));
  VjpContext context(*this, node);
  node.op->vjp(node.attrs(), context);
}

void Walk::check_version(const Node& node, const Edge& edge, std::uint32_t expected,
                         int index) const {
  const TensorImpl* t = edge.input();
  const std::uint32_t found = t->storage->version.load(std::memory_order_relaxed);
  if (found == expected) return;
  throw ArgumentError(fmt::format(
      "[{}] a value saved for backward was overwritten in place: input {} {} {} is at version {}; "
      "expected version {}; write to a clone() instead, or write after backward (overwritten{}){}",
      node.op->name, index, name_of(t->dtype), to_string(t->shape), found, expected,
      called_at(t->storage->last_write), called_at(node.location)));
}

// Pointwise ops on contiguous CPU tensors of one shape: the gradient's formula runs as one line per
// input, in place of the incoming gradient where nobody else sees that.
bool Walk::run_pointwise(Node& node, Tensor& g) {
  const OpInfo& op = *node.op;
  if (op.kind != OpKind::kPointwise) return false;
  TensorImpl* out = impl_of(&node);
  if (!out->device.is_cpu() || g.dtype() != out->dtype || !(g.shape() == out->shape)) return false;
  const PointwiseLoops* loops = op.rows[0].loops;
  if (!loops) return false;
  if (out->numel >= kPlainElements) return false;
  const int type = static_cast<int>(out->dtype);
  const int n = node.num_inputs;
  Edge* edges = node.edges();
  std::uint32_t* versions = node.versions();
  const void* in[kMaxPointwiseInputs + 2] = {};
  // Everything that will be read must be in place before the first gradient is handed on.
  int last = -1, wanted = 0;
  bool reads = false;
  for (int i = 0; i < n; ++i) {
    if (!wants(edges[i])) continue;
    if (!(loops->identity_grads >> i & 1u)) {
      if (!loops->grad[i][type]) return false;
      reads = true;
    }
    last = i;
    ++wanted;
  }
  if (reads) {
    ensure_ready(g.impl());
    if (!g.is_contiguous()) return false;
    for (int i = 0; i < n; ++i) {
      if (!edges[i].saved()) continue;
      TensorImpl* t = edges[i].input();
      ensure_ready(t);
      if (!t->contiguous || !(t->shape == out->shape) || t->dtype != out->dtype) return false;
      check_version(node, edges[i], versions[i], i);
      in[i + 1] = data_of(t);
    }
    if (node.flags & Node::kSavesOutput) {
      ensure_ready(out);
      if (out->storage->version.load(std::memory_order_relaxed) != node.output_version)
        return false;  // call_rule says what happened
      in[n + 1] = data_of(out);
    }
  }
  static constexpr std::int64_t unit[kMaxPointwiseInputs + 2] = {1, 1, 1, 1, 1};
  if (reads) in[0] = data_of(g.impl());
  // Inputs that have a gradient already come first: they need no tensor of their own, and g is left
  // for the others to take over.
  std::uint32_t done = 0;
  alignas(64) std::byte scratch[1024];
  if (wanted > 1 && g.is_contiguous()) {
    const std::size_t bytes = static_cast<std::size_t>(out->numel) * size_of(out->dtype);
    for (int i = 0; i < n; ++i) {
      const bool identity = loops->identity_grads >> i & 1u;
      if (!wants(edges[i]) || (!identity && bytes > sizeof scratch)) continue;
      TensorImpl* target = addable(edges[i], g.impl());
      if (!target) continue;
      ensure_ready(g.impl());
      if (!identity) loops->grad[i][type](node.attrs(), scratch, in, unit, out->numel);
      const void* sum[] = {data_of(target), identity ? data_of(g.impl()) : scratch};
      core_ops().add_loops->value[type](nullptr, data_of(target), sum, unit, out->numel);
      done |= 1u << i;
    }
    while (last >= 0 && (done >> last & 1u || !wants(edges[last]))) --last;
  }
  for (int i = 0; i <= last; ++i) {
    if (!wants(edges[i]) || done >> i & 1u) continue;
    Tensor gi;
    if (loops->identity_grads >> i & 1u) {
      gi = i == last ? std::move(g) : g;
    } else {
      const bool in_place = i == last && is_unique(g.impl());
      if (!in_place) gi = Tensor::adopt(empty_impl(out->shape, out->dtype, kCpu));
      void* target = in_place ? data_of(g.impl()) : data_of(gi.impl());
      loops->grad[i][type](node.attrs(), target, in, unit, out->numel);
      if (in_place) gi = std::move(g);
    }
    accumulate(edges[i], std::move(gi), node, i);
  }
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
  if (pointwise && thread_state.deferral && g.numel() >= deferral_threshold()) return false;
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

// --- Handing gradients on
// -----------------------------------------------------------------------------

void Walk::accumulate(Edge& edge, Tensor g, const Node& from, int index) {
  if (!wants(edge)) return;
  TensorImpl* input = edge.input();
  if (!(g.shape() == input->shape) || g.dtype() != input->dtype || g.device() != input->device)
      [[unlikely]] {
    Shape joined;
    const bool broadcast =
        broadcast_shapes(g.shape(), input->shape, &joined) && joined == g.shape();
    if (g.dtype() != input->dtype || g.device() != input->device || !broadcast)
      throw ArgumentError(fmt::format(
          "[{}] its vjp gave input {} a gradient {} {} on {}; expected {} {} on {}; mend the op's "
          "vjp{}",
          from.op->name, index, name_of(g.dtype()), to_string(g.shape()), to_string(g.device()),
          name_of(input->dtype), to_string(input->shape), to_string(input->device),
          called_at(from.location)));
    g = core_ops().sum_to(g, input->shape);
  }
  if (thread_state.detect_anomaly) {
    ensure_ready(g.impl());
    check_finite(g.impl(), *from.op, from.location, true);
  }
  std::uintptr_t& slot = slot_of(input);
  enqueue(input, &edge);
  add_dense(slot, std::move(g));
}

void Walk::accumulate_slice(Edge& edge, const SliceSpec& where_, Tensor g, const Node& from,
                            int index) {
  if (!wants(edge)) return;
  TensorImpl* input = edge.input();
  if (!(g.shape() == where_.length))
    throw ArgumentError(fmt::format(
        "[{}] its vjp gave a slice of {} elements per dimension a gradient of shape {}; expected "
        "equal; mend the op's vjp{}",
        from.op->name, to_string(where_.length), to_string(g.shape()), called_at(from.location)));
  if (options_.create_graph || g.dtype() != input->dtype)
    return accumulate(edge, core_ops().slice_adjoint(g, input->shape, where_), from, index);
  std::uintptr_t& slot = slot_of(input);
  Gathered& many = gathered(slot);
  flush_products(many);
  const Tensor buffer = own_buffer(many, input->shape, input->dtype, input->device);
  // The part of the buffer that the slice covers, as a view; then one strided add.
  TensorView part = view_of(buffer.impl());
  part.shape = where_.length;
  part.numel = where_.length.numel();
  part.contiguous = false;
  std::int64_t offset = 0;
  for (int d = 0; d < part.shape.rank(); ++d) {
    offset += where_.start[d] * part.strides[d];
    part.strides[d] *= where_.step[d];
  }
  part.data =
      static_cast<char*>(part.data) + offset * static_cast<std::int64_t>(size_of(input->dtype));
  ensure_ready(g.impl());
  backend_of(input->device).add_in_place(part, view_of(g.impl()), input->device.index);
  enqueue(input, &edge);
}

void Walk::accumulate_product(Edge& edge, Tensor a, Tensor b, const Node& from, int index) {
  if (!wants(edge)) return;
  TensorImpl* input = edge.input();
  if (options_.create_graph || thread_state.detect_anomaly)
    return accumulate(edge, core_ops().product_tn(a, b), from, index);
  const Shape shape{a.shape()[1], b.shape()[1]};
  if (!(shape == input->shape))
    throw ArgumentError(fmt::format(
        "[{}] its vjp gave input {} a product gradient of shape {}; expected {}; mend the op's "
        "vjp{}",
        from.op->name, index, to_string(shape), to_string(input->shape), called_at(from.location)));
  std::uintptr_t& slot = slot_of(input);
  Gathered& many = gathered(slot);
  many.product_bytes += static_cast<std::size_t>(a.numel() + b.numel()) * size_of(a.dtype());
  many.products.emplace_back(std::move(a), std::move(b));
  if (many.product_bytes > kMaxProductBytes) flush_products(many);
  enqueue(input, &edge);
}

}  // namespace detail

// --- What a gradient rule sees
// ------------------------------------------------------------------------

bool VjpContext::create_graph() const { return walk_.create_graph(); }
bool VjpContext::needs(int input) const { return walk_.wants(edge(input)); }
Tensor VjpContext::grad(int k) const { return walk_.arrived(node_, k); }
bool VjpContext::has_grad(int k) const { return walk_.has_arrived(node_, k); }

Tensor VjpContext::input(int i) const {
  const detail::Edge& e = edge(i);
  if (!e.saved())
    throw_internal(
        fmt::format("the gradient of '{}' reads input {}, which kSaves does not name for "
                    "the gradients wanted here",
                    node_.op->name, i));
  detail::ensure_ready(e.input());
  walk_.check_version(node_, e, node_.versions()[i], i);
  return Tensor::share(e.input());
}

Tensor VjpContext::output(int k) const {
  if (!(node_.flags & detail::Node::kSavesOutput))
    throw_internal(
        fmt::format("the gradient of '{}' reads its output, which kSaves does not name "
                    "for the gradients wanted here",
                    node_.op->name));
  detail::TensorImpl* out = node_.is_multi()
                                ? static_cast<detail::MultiNode&>(node_).outputs[k].saved
                                : detail::impl_of(&node_);
  detail::ensure_ready(out);
  const std::uint32_t found = out->storage->version.load(std::memory_order_relaxed);
  if (found != node_.output_version)
    throw ArgumentError(fmt::format(
        "[{}] a value saved for backward was overwritten in place: output {} {} {} is at version "
        "{}; expected version {}; write to a clone() instead, or write after backward "
        "(overwritten{}){}",
        node_.op->name, k, name_of(out->dtype), to_string(out->shape), found, node_.output_version,
        called_at(out->storage->last_write), called_at(node_.location)));
  return Tensor::share(out);
}

void VjpContext::accumulate(int input, Tensor g) {
  walk_.accumulate(node_.edges()[input], std::move(g), node_, input);
}
void VjpContext::accumulate_slice(int input, const SliceSpec& where, Tensor g) {
  walk_.accumulate_slice(node_.edges()[input], where, std::move(g), node_, input);
}
void VjpContext::accumulate_product(int input, Tensor a, Tensor b) {
  walk_.accumulate_product(node_.edges()[input], std::move(a), std::move(b), node_, input);
}

}  // namespace catena
