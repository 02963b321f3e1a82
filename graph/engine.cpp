// The backward walk: iterative, by falling sequence number, only along edges that lead to a wanted
// input. A node's consumers all have higher numbers, so its gradient is complete when it comes up,
// but for what waits to be done together (graph/walk_rows.cpp); no dependency counts are needed,
// and the order, hence every bit, is the same each time.
#include <algorithm>
#include <mutex>

#include <fmt/format.h>

#include "catena/graph/anomaly.hpp"
#include "catena/graph/core_ops.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/dispatch.hpp"
#include "catena/graph/profile_scope.hpp"
#include "catena/graph/tensor_extra.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/view.hpp"
#include "catena/graph/walk.hpp"

namespace catena {
namespace detail {
namespace {

// Several threads may finish their walks at one shared parameter.
std::mutex& leaf_mutex(const TensorImpl* leaf) {
  static std::mutex stripes[64];
  return stripes[reinterpret_cast<std::uintptr_t>(leaf) / sizeof(TensorImpl) % 64];
}

[[noreturn]] void throw_released(const Node& node) {
  throw ArgumentError(fmt::format(
      "[backward] the tape behind this tensor was already freed by an earlier backward: '{}' "
      "cannot be differentiated a second time; expected one backward per forward; pass "
      "retain_graph = true to the first one, or detach() the tensor if nothing behind it matters{}",
      node.op->name, called_at(node.location)));
}

}  // namespace

Walk::Walk(BackwardOptions options, const std::source_location& location)
    : options_(options),
      location_(location),
      thread_(thread_id()),
      nested_(thread_state.in_backward),
      grad_before_(thread_state.grad_enabled),
      substitution_before_(std::exchange(thread_state.substitution, nullptr)) {
  thread_state.in_backward = true;
  thread_state.grad_enabled = options.create_graph;
}

Walk::~Walk() {
  // After an exception the worklist still holds gradients and edges.
  if (first_.node) heap_.push_back(first_);
  heap_.insert(heap_.end(), aside_.begin(), aside_.end());
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
  thread_state.substitution = substitution_before_;
}

// --- The worklist ---

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

void Walk::push_on_heap(Entry entry) {
  if (first_.node && first_ < entry) std::swap(first_, entry);
  heap_.push_back(entry);
  std::push_heap(heap_.begin(), heap_.end());
}

void Walk::start(TensorImpl* root, Tensor gradient) {
  if (!root->requires_grad) return;
  enqueue(root, nullptr);
  add_dense(slot_of(root), std::move(gradient));
}

void Walk::capture(std::span<const Tensor> outputs, std::span<const Tensor> inputs, Behind behind) {
  capturing_ = true;
  behind_ = behind;
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
    const bool wanted = wanted_.count(t) > 0;
    if (wanted) useful_.insert(t);
    if (wanted && behind_ == Behind::kNotReached) return;
    Node* node = t->producer;
    if (!node || node->sequence < lowest || !seen.insert(node).second) return;
    if (node->flags & Node::kReleased && node->sequence > lowest) throw_released(*node);
    stack.push_back(node);
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
}

void Walk::project(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
                   std::span<const Tensor> directions) {
  capture(outputs, inputs);
  directions_ = directions;
}

void Walk::run() {
  // A profiler is to see each node.
  const bool plain = !capturing_ && !options_.create_graph && !is_profiling();
  for (;;) {
    while (Node* node = pop()) {
      if (!waiting_.empty() && !is_complete(*node)) [[unlikely]]
        put_aside(*node);
      else if (!plain || !process_plain(*node))
        process(node);
    }
    if (waiting_.empty()) return;
    add_waiting_rows();
  }
}

void Walk::process(Node* node) {
  unmark_queued(node);
  const EntryCount count(*this, *node);
  if (!node->op)
    process_leaf(impl_of(node));
  else
    process_node(node);
  if (current_.defined()) current_ = Tensor();
  current_multi_.clear();
}

// --- Leaves ---

Tensor Walk::apply_hooks(TensorImpl* t, Tensor g) {
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
  if (leaf->extra) g = apply_hooks(leaf, std::move(g));
  if (capturing_) {
    for (std::size_t i : wanted_[leaf]) {
      if (directions_.empty())
        captured_[i] = g;
      else
        add_projection(g, directions_[i]);
    }
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

// --- Nodes ---

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
bool Walk::pass_products(Node& node, std::uintptr_t& slot) {
  if (node.op->kind != OpKind::kView || node.num_inputs != 1) return false;
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
  Gathered& many = gathered(slot);
  if (many.dense || many.products.empty() || !many.slices.empty()) return false;
  auto products = std::move(many.products);
  many.products.clear();
  take(slot);
  for (auto& [a, b] : products) accumulate_product(edge, std::move(b), std::move(a), node, 0);
  release(node);
  return true;
}

void Walk::process_node(Node* node) {
  // The gradients are taken first: an exception below leaves none behind in the tape.
  if (node->is_multi()) {
    auto& multi = static_cast<MultiNode&>(*node);
    current_multi_.resize(multi.num_outputs);
    for (std::uint32_t k = 0; k < multi.num_outputs; ++k)
      current_multi_[k] = Tensor::adopt(take(slot_of(multi, static_cast<int>(k))));
  } else {
    std::uintptr_t& slot = slot_of(impl_of(node));
    if (slot & Gathered::kTag && pass_products(*node, slot)) return;
    current_ = Tensor::adopt(take(slot));
  }
  bool deeper = !capturing_ || node->is_multi();
  if (!node->is_multi()) {
    TensorImpl* t = impl_of(node);
    if (t->extra) current_ = apply_hooks(t, std::move(current_));
    if (capturing_) {
      if (auto it = wanted_.find(t); it != wanted_.end()) {
        for (std::size_t i : it->second) captured_[i] = current_;
        if (behind_ == Behind::kNotReached) return;
      }
      for (int i = 0; i < node->num_inputs && !deeper; ++i) deeper = wants(node->edges()[i]);
    }
  }
  if (!deeper) return;
  differentiate(*node);
}

// With the gradients that have arrived, hands on those of the inputs.
void Walk::differentiate(Node& node) {
  if (node.flags & Node::kReleased) throw_released(node);
  const ProfileScope scope(node);
  const bool fused = !options_.create_graph && !thread_state.detect_anomaly;
  if (!(fused && run_plain(node, current_))) {
    CallSite here(node.location);
    if (!(fused && run_fused(node))) call_rule(node);
  }
  release(node);
  if (current_.defined()) current_ = Tensor();
}

}  // namespace detail

}  // namespace catena
