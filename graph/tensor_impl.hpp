// The object behind a tensor handle: its description, its storage and, when it was computed by a
// recorded call, the tape node of that call. One allocation from a slab holds all three.
//
// Life of the object: one 64-bit word counts handles (low half) and tape edges (high half). At zero
// handles the storage goes, unless a node declared that it saves it; at zero of both the object
// goes. Destruction is iterative, so a tape may be as deep as memory allows.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <source_location>
#include <utility>

#include "catena/graph/device.hpp"
#include "catena/graph/dtype.hpp"
#include "catena/graph/shape.hpp"

#if __has_include(<sys/single_threaded.h>)
#include <sys/single_threaded.h>
#define CATENA_SINGLE_THREADED __libc_single_threaded
#else
#define CATENA_SINGLE_THREADED false
#endif

namespace catena {

class Tensor;
struct OpInfo;

namespace detail {

struct PendingValue;
struct TensorExtra;

// A counted block of memory, shared by all views of it. On the CPU the data follow the header in
// the same allocation, unless the caller owns them.
struct Storage {
  std::atomic<std::uint32_t> refs{1};
  std::atomic<std::uint32_t> version{0};        // grows with every in-place write
  std::atomic<std::uint32_t> pending_reads{0};  // inputs of pending values; each holds a count
  std::atomic<bool> escaped{false};  // somebody outside holds a pointer: never deferred on
  std::uint8_t size_class = 0;
  Device device;
  void* data = nullptr;
  std::size_t bytes = 0;
  std::source_location last_write;           // the newest in-place write
  void (*release)(void* context) = nullptr;  // memory not from the pool: how to give it back
  void* release_context = nullptr;
};
inline constexpr std::size_t kStorageHeaderBytes = 64;
static_assert(sizeof(Storage) <= kStorageHeaderBytes);

Storage* allocate_storage(std::size_t bytes, Device device);
Storage* wrap_storage(void* data, std::size_t bytes, Device device, void (*release)(void*),
                      void* context);
void free_storage(Storage* storage) noexcept;

// Counts up or down, to the new value. While the process has one thread the processor need not lock
// the word: a locked addition costs 5 ns, and an op makes two.
template <class T>
inline T add_to_count(std::atomic<T>& count, T n, std::memory_order order) noexcept {
  if (CATENA_SINGLE_THREADED) {
    const T now = count.load(std::memory_order_relaxed) + n;
    count.store(now, std::memory_order_relaxed);
    return now;
  }
  return count.fetch_add(n, order) + n;
}

inline void retain_storage(Storage* s) noexcept {
  add_to_count(s->refs, 1u, std::memory_order_relaxed);
}
inline void release_storage(Storage* s) noexcept {
  if (s->refs.load(std::memory_order_acquire) == 1 ||
      add_to_count(s->refs, ~0u, std::memory_order_acq_rel) == 0)
    free_storage(s);
}

struct TensorImpl;

// A tape edge to an input, with what the node wants of it in the low bits of the pointer.
class Edge {
 public:
  static constexpr std::uintptr_t kNeedsGrad = 1, kSaved = 2;
  static constexpr std::uintptr_t kTaken = 4;  // the count behind this edge was handed on
  Edge() = default;
  Edge(TensorImpl* input, std::uintptr_t bits)
      : word_(reinterpret_cast<std::uintptr_t>(input) | bits) {}
  TensorImpl* input() const { return reinterpret_cast<TensorImpl*>(word_ & ~std::uintptr_t{7}); }
  bool needs_grad() const { return word_ & kNeedsGrad; }
  bool saved() const { return word_ & kSaved; }
  bool taken() const { return word_ & kTaken; }
  void set_taken() { word_ |= kTaken; }

 private:
  std::uintptr_t word_ = 0;
};

// One recorded call.
struct Node {
  static constexpr int kInlineInputs = 3;
  static constexpr std::size_t kInlineAttrs = 24;
  enum : std::uint8_t {
    kMultiOutput = 1,  // this node is the base of a MultiNode, not part of a TensorImpl
    kReleased = 2,     // backward passed and freed what it saved
    kSavesOutput = 4,  // the op's gradient reads an output
    kHeapAttrs = 8,    // attrs hold a pointer
    kQueued = 16,      // in the worklist of the walk that owns the slots
    kPlain = 32,       // recorded by plain_call: the walk may take its fast path
  };

  const OpInfo* op = nullptr;  // null: nothing recorded, the tensor is a leaf
  // Rises along every path of the tape, also across threads; the walk goes by falling number.
  std::uint64_t sequence = 0;
  Edge inline_edges[kInlineInputs];
  Edge* heap_edges = nullptr;  // when there are more than kInlineInputs; versions follow the edges
  std::uint32_t inline_versions[kInlineInputs] = {};
  std::uint32_t output_version = 0;
  std::uint16_t num_inputs = 0;
  std::uint8_t flags = 0;
  std::uint8_t heap_class = 0;
  std::uint8_t attrs_class = 0;
  std::uint32_t thread = 0;  // the thread whose walks may use the inline gradient slots
  std::source_location location;
  alignas(8) std::byte inline_attrs[kInlineAttrs];

  Edge* edges() { return num_inputs <= kInlineInputs ? inline_edges : heap_edges; }
  std::uint32_t* versions() {
    return num_inputs <= kInlineInputs ? inline_versions
                                       : reinterpret_cast<std::uint32_t*>(heap_edges + num_inputs);
  }
  const void* attrs() const {
    return flags & kHeapAttrs ? *reinterpret_cast<void* const*>(inline_attrs)
                              : static_cast<const void*>(inline_attrs);
  }
  bool is_multi() const { return flags & kMultiOutput; }
};

inline constexpr std::uint64_t kOneHandle = 1;
inline constexpr std::uint64_t kOneEdge = std::uint64_t{1} << 32;
constexpr std::uint32_t handles_in(std::uint64_t counts) {
  return static_cast<std::uint32_t>(counts);
}
constexpr std::uint32_t edges_in(std::uint64_t counts) {
  return static_cast<std::uint32_t>(counts >> 32);
}

struct alignas(64) TensorImpl {
  std::atomic<std::uint64_t> counts{kOneHandle};
  Storage* storage = nullptr;
  std::int64_t offset = 0;  // of the first element, in elements
  std::int64_t numel = 0;
  DType dtype = kFloat32;  // these three are read as one word, see kind_of
  Device device;
  bool contiguous = true;  // row-major without holes
  bool requires_grad = false;
  std::atomic<bool> saved{false};                // some node's gradient reads this value
  std::uint8_t object_class = 0;                 // size class of this object itself
  std::int32_t output_index = -1;                // >= 0: an output of the MultiNode `producer`
  std::atomic<PendingValue*> pending{nullptr};   // set while the value is not yet computed
  Node* producer = nullptr;                      // &node, a MultiNode, or null for a leaf
  std::uintptr_t slot = 0;       // the gradient gathered by the walk under way, see walk.hpp
  TensorImpl* grad = nullptr;    // .grad of a leaf (one handle)
  TensorExtra* extra = nullptr;  // hooks, name: rare
  Shape shape;
  Shape strides;  // in elements
  Node node;

  bool is_leaf() const { return producer == nullptr; }
};

// A node with several outputs, counted by the edges its outputs hold. It keeps what the walk needs
// to know of outputs that are gone.
struct MultiNode : Node {
  struct Output {
    Shape shape;
    DType dtype;
    Device device;
    std::uintptr_t slot = 0;
    TensorImpl* saved = nullptr;  // an alias without a tape (one handle), when the op saves it
  };
  std::atomic<std::uint32_t> refs{0};
  std::uint32_t num_outputs = 0;
  Output* outputs = nullptr;
  TensorExtra* extra = nullptr;
};

TensorImpl* new_impl();  // one handle, nothing else set
void destroy_impl(TensorImpl*) noexcept;
// A value that is not computed yet: before its object goes, or when nobody but pending values can
// ask for it any more (graph/pending.hpp).
void detach_pending(TensorImpl*) noexcept;
void forget_unread(TensorImpl*) noexcept;
// Drops the only handle of an object that tape edges still hold.
void last_handle_gone(TensorImpl*) noexcept;
void drop_multi_node(MultiNode*) noexcept;
void clear_heap_edges(Node&) noexcept;
void clear_node(Node&) noexcept;  // forgets the inputs and the attributes

inline void add_handle(TensorImpl* t) noexcept {
  add_to_count(t->counts, kOneHandle, std::memory_order_relaxed);
}
inline void drop_handle(TensorImpl* t) noexcept {
  std::uint64_t now = t->counts.load(std::memory_order_acquire);
  // The sole owner needs no locked instruction: nobody else can count up or down.
  if (now == kOneHandle) return destroy_impl(t);
  if (CATENA_SINGLE_THREADED && handles_in(now) > 1)
    return t->counts.store(now - kOneHandle, std::memory_order_relaxed);
  while (handles_in(now) > 1)
    if (t->counts.compare_exchange_weak(now, now - kOneHandle, std::memory_order_acq_rel)) return;
  last_handle_gone(t);
}
// While the last handle lives nobody can destroy the object, and nobody reads a value that no node
// saves: the storage may go before the handle does.
inline void release_unsaved_storage(TensorImpl* t) noexcept {
  if (t->saved.load(std::memory_order_relaxed)) return;
  if (t->pending.load(std::memory_order_acquire)) [[unlikely]]
    forget_unread(t);
  else if (t->storage)
    release_storage(std::exchange(t->storage, nullptr));
}
inline void add_edge(TensorImpl* t) noexcept {
  add_to_count(t->counts, kOneEdge, std::memory_order_relaxed);
}
inline void turn_handle_into_edge(TensorImpl* t) noexcept {
  const std::uint64_t now = t->counts.load(std::memory_order_acquire);
  if (handles_in(now) == 1) release_unsaved_storage(t);
  if (now == kOneHandle)  // nobody else can count
    t->counts.store(kOneEdge, std::memory_order_relaxed);
  else
    add_to_count(t->counts, kOneEdge - kOneHandle, std::memory_order_acq_rel);
}
inline void drop_edge(TensorImpl* t) noexcept {
  if (t->counts.load(std::memory_order_acquire) == kOneEdge) return destroy_impl(t);
  if (add_to_count(t->counts, std::uint64_t{0} - kOneEdge, std::memory_order_acq_rel) == 0)
    destroy_impl(t);
}

inline void drop(const Edge& edge) noexcept {
  if (edge.input() && !edge.taken()) drop_edge(edge.input());
}
// Forgets the inputs.
inline void clear_edges(Node& node) noexcept {
  if (node.num_inputs > Node::kInlineInputs) return clear_heap_edges(node);
  for (int i = 0; i < node.num_inputs; ++i) drop(node.inline_edges[i]);
  node.num_inputs = 0;
}

}  // namespace detail
}  // namespace catena
