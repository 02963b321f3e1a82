// One backward pass under way: the worklist and the gradients gathered so far.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>
#include <source_location>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

#include "catena/graph/autograd.hpp"
#include "catena/graph/op.hpp"
#include "catena/graph/tensor_impl.hpp"
#include "catena/graph/thread_state.hpp"

namespace catena::detail {

// The gradient of one tensor while it is being gathered. Most hold one tensor; slices and products
// need more. Kept as a tagged word in the tensor itself, or in the walk's map when the tensor was
// recorded by another thread or an outer walk uses that word.
struct Gathered {
  static constexpr std::uintptr_t kTag = 1;  // set in a slot's word that points at a Gathered
  TensorImpl* dense = nullptr;               // one handle
  std::vector<std::pair<Tensor, Tensor>> products;  // pending: dense += a^T b
  std::size_t product_bytes = 0;
  std::source_location product_line;  // of the call that the last of them is from
  // Gradients of slices, as long as there is nothing else; `whole` is like the tensor.
  std::vector<std::pair<SliceSpec, Tensor>> slices;
  OutputSpec whole;
  std::int64_t slice_elements = 0;
};

struct DropEdge {
  void operator()(TensorImpl* t) const noexcept { drop_edge(t); }
};
// The product of a few rows with a matrix, not yet done: a part of the gradient of `input`.
struct WaitingRows {
  std::unique_ptr<TensorImpl, DropEdge> input;  // shows that more is to come for it
  Tensor g, matrix;
  std::source_location location;  // of the call that it is from
};

// The tensor that the node of a single-output op is part of.
inline TensorImpl* impl_of(Node* node) {
  return reinterpret_cast<TensorImpl*>(reinterpret_cast<char*>(node) - offsetof(TensorImpl, node));
}

class Walk {
 public:
  Walk(BackwardOptions options, const std::source_location& location);
  ~Walk();
  Walk(const Walk&) = delete;
  Walk& operator=(const Walk&) = delete;

  // Only these tensors get gradients; without it the leaves do, in grad(). What lies behind one of
  // them is reached too, or not: then each counts as independent of the others.
  enum class Behind : bool { kReached, kNotReached };
  void capture(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
               Behind behind = Behind::kReached);
  // Instead of the gradients of `inputs`, which are leaves, only the sum of their products with
  // `directions`: no gradient is computed that nobody reads. Needs create_graph.
  void project(std::span<const Tensor> outputs, std::span<const Tensor> inputs,
               std::span<const Tensor> directions);
  void start(TensorImpl* root, Tensor gradient);
  void run();
  // The gradient captured for inputs[i]; undefined when nothing flowed there.
  Tensor captured(std::size_t i) const { return captured_[i]; }
  // After project(); undefined when nothing flowed into any input.
  Tensor projection() const { return projection_; }

  bool create_graph() const { return options_.create_graph; }
  bool wants(const Edge& edge) const {
    return edge.needs_grad() && (!capturing_ || useful_.count(edge.input()));
  }

  // Adds to the gradient of the input that `edge` leads to.
  void accumulate(Edge& edge, Tensor g, const Node& from, int index);
  void accumulate_slice(Edge& edge, const SliceSpec& where, Tensor g, const Node& from, int index);
  void accumulate_product(Edge& edge, Tensor a, Tensor b, const Node& from, int index);
  void accumulate_rows(Edge& edge, Tensor g, Tensor matrix, const Node& from, int index);
  // The gradient that arrived at output k of `node`, and whether one did.
  Tensor arrived(Node& node, int k);
  bool has_arrived(Node& node, int k) const;

 private:
  struct Entry {
    std::uint64_t sequence;
    Node* node;
    bool operator<(const Entry& o) const { return sequence < o.sequence; }
  };

  // The count that a worklist entry holds; dropped when this goes.
  class EntryCount {
   public:
    EntryCount(const Walk& walk, Node& node) : node_(node), held_(!walk.retain()) {}
    ~EntryCount() {
      if (!held_) return;
      if (node_.is_multi())
        drop_multi_node(static_cast<MultiNode*>(&node_));
      else
        drop_edge(impl_of(&node_));
    }
    EntryCount(const EntryCount&) = delete;
    EntryCount& operator=(const EntryCount&) = delete;

   private:
    Node& node_;
    bool held_;
  };

  bool retain() const { return options_.retain_graph || options_.create_graph; }
  bool owns_inline(const Node& node) const { return node.thread == thread_ && !nested_; }
  std::uintptr_t& slot_of(TensorImpl* t);
  std::uintptr_t& slot_of(MultiNode& node, int k);
  void enqueue(TensorImpl* t, Edge* edge);
  void push(Node* node, std::uint64_t sequence);
  void push_on_heap(Entry entry);
  Node* pop();
  bool mark_queued(Node* node);
  void unmark_queued(Node* node);
  std::uintptr_t& side_slot_of(TensorImpl* t);
  TensorImpl* take(std::uintptr_t& slot);
  TensorImpl* take_gathered(std::uintptr_t& slot);
  void discard(std::uintptr_t& slot);
  void add_projection(const Tensor& a, const Tensor& b);
  bool project_product(const Edge& edge, const Tensor& a, const Tensor& b);
  void add_dense(std::uintptr_t& slot, Tensor g);
  TensorImpl* addable(const Edge& edge, const TensorImpl* g);
  void flush_products(Gathered& gathered);
  void flush_slices(Gathered& gathered);
  void flush(Gathered& gathered);
  // graph/walk_rows.cpp: products of few rows wait for others with the same matrix, and nodes that
  // what waits may reach are put aside.
  static bool is_complete(Node& node);
  void put_aside(Node& node);
  void add_waiting_rows();
  void add_product(std::span<const WaitingRows> group);
  void add_rows(const WaitingRows& rows, Tensor g);
  void add_slice(Gathered& gathered, const SliceSpec& where, const Tensor& g);
  Gathered& gathered(std::uintptr_t& slot);
  Tensor own_buffer(Gathered& g, const Shape& shape, DType dtype, Device device);

  void process(Node* node);
  void differentiate(Node& node);
  bool process_plain(Node& node);
  void process_leaf(TensorImpl* leaf);
  void process_node(Node* node);
  bool pass_products(Node& node, std::uintptr_t& slot);
  // graph/plain.cpp: the gradients of a plain call, one line each. False when something has changed
  // since; nothing has happened then.
  bool run_plain(Node& node, Tensor& g);
  template <int N>
  bool plain_gradients(Node& node, Tensor& g);
  bool relabel(Node& node, Tensor& g);
  // Whether one has arrived at the input; false also where this walk does not use its slot.
  bool has_gradient(const Edge& edge) const {
    const TensorImpl* t = edge.input();
    return t->output_index < 0 && owns_inline(t->node) && t->slot != 0;
  }
  bool add_in_place(Node& node, int i, TensorImpl* g, const void* const* in,
                    const std::int64_t* strides);
  void give(Edge& edge, Tensor g, const Node& from, int index);
  bool run_fused(Node& node);
  bool defer_gradients(Node& node, const Tensor& g, const KernelRow& row);
  void call_rule(Node& node);
  void release(Node& node);
  Tensor apply_hooks(TensorImpl* t, Tensor g);
  void check_version(const Node& node, const Edge& edge, std::uint32_t expected, int index) const {
    if (edge.input()->storage->version.load(std::memory_order_relaxed) != expected) [[unlikely]]
      throw_overwritten(node, edge, expected, index);
  }
  [[noreturn]] void throw_overwritten(const Node& node, const Edge& edge, std::uint32_t expected,
                                      int index) const;
  friend class ::catena::VjpContext;

  BackwardOptions options_;
  std::source_location location_;
  std::uint32_t thread_;
  bool nested_;
  bool grad_before_;
  const Substitution* substitution_before_;
  // The worklist. Its largest entry may stand beside the heap, so that a chain needs none.
  Entry first_{0, nullptr};
  std::vector<Entry> heap_;
  std::vector<WaitingRows> waiting_;
  std::vector<Entry> aside_;
  std::unordered_map<const void*, std::uintptr_t> side_slots_;  // see Gathered
  std::unordered_set<const Node*> side_queued_;
  // For capture():
  std::unordered_map<const TensorImpl*, std::vector<std::size_t>> wanted_;
  std::unordered_set<const TensorImpl*> useful_;
  std::vector<Tensor> captured_;
  // For project():
  std::span<const Tensor> directions_;
  Tensor projection_;
  bool capturing_ = false;
  Behind behind_ = Behind::kReached;
  // The gradients of the node being processed, one per output.
  Tensor current_;
  std::vector<Tensor> current_multi_;
};

// --- What every node asks for ---

inline std::uintptr_t& Walk::slot_of(TensorImpl* t) {
  if (t->output_index < 0 && owns_inline(t->node)) [[likely]]
    return t->slot;
  return side_slot_of(t);
}

// Empties the slot; the caller owns the handle.
inline TensorImpl* Walk::take(std::uintptr_t& slot) {
  if (slot & Gathered::kTag) [[unlikely]]
    return take_gathered(slot);
  return reinterpret_cast<TensorImpl*>(std::exchange(slot, 0));
}

inline bool Walk::mark_queued(Node* node) {
  if (!owns_inline(*node)) [[unlikely]]
    return side_queued_.insert(node).second;
  if (node->flags & Node::kQueued) return false;
  node->flags |= Node::kQueued;
  return true;
}
inline void Walk::unmark_queued(Node* node) {
  if (owns_inline(*node)) [[likely]]
    node->flags &= static_cast<std::uint8_t>(~Node::kQueued);
  else
    side_queued_.erase(node);
}

inline void Walk::push(Node* node, std::uint64_t sequence) {
  const Entry entry{sequence, node};
  if (!first_.node && (heap_.empty() || heap_.front() < entry)) [[likely]]
    first_ = entry;
  else
    push_on_heap(entry);
}
inline Node* Walk::pop() {
  if (first_.node) return std::exchange(first_.node, nullptr);
  if (heap_.empty()) return nullptr;
  Node* node = heap_.front().node;
  std::pop_heap(heap_.begin(), heap_.end());
  heap_.pop_back();
  return node;
}

}  // namespace catena::detail
