#include "catena/graph/tensor_impl.hpp"

#include <new>

#include "catena/graph/backend.hpp"
#include "catena/graph/deferral.hpp"
#include "catena/graph/op.hpp"
#include "catena/graph/pool.hpp"
#include "catena/graph/tensor_extra.hpp"
#include "catena/graph/thread_state.hpp"

namespace catena::detail {

Storage* allocate_storage(std::size_t bytes, Device device) {
  std::uint8_t size_class;
  if (device.is_cpu()) [[likely]] {
    void* block = pool::allocate(kStorageHeaderBytes + bytes, &size_class);
    auto* s = new (block) Storage;
    s->size_class = size_class;
    s->data = static_cast<char*>(block) + kStorageHeaderBytes;
    s->bytes = bytes;
    return s;
  }
  void* data = backend_of(device).allocate(bytes, device.index);
  auto* s = new (pool::allocate(kStorageHeaderBytes, &size_class)) Storage;
  s->size_class = size_class;
  s->device = device;
  s->data = data;
  s->bytes = bytes;
  return s;
}

Storage* wrap_storage(void* data, std::size_t bytes, Device device, void (*release)(void*),
                      void* context) {
  std::uint8_t size_class;
  auto* s = new (pool::allocate(kStorageHeaderBytes, &size_class)) Storage;
  s->size_class = size_class;
  s->device = device;
  s->data = data;
  s->bytes = bytes;
  s->escaped = true;
  s->release = release;
  s->release_context = context;
  return s;
}

void free_storage(Storage* s) noexcept {
  if (s->release) s->release(s->release_context);
  if (!s->device.is_cpu()) backend_of(s->device).free(s->data, s->bytes, s->device.index);
  const std::uint8_t size_class = s->size_class;
  s->~Storage();
  pool::free(s, size_class);
}

TensorImpl* new_impl() {
  std::uint8_t size_class;
  void* block = pool::allocate(sizeof(TensorImpl), &size_class);
  auto* t = new (block) TensorImpl;
  t->object_class = size_class;
  return t;
}

namespace {

void free_attrs(Node& node) noexcept {
  if (!(node.flags & Node::kHeapAttrs)) return;
  void* attrs = *reinterpret_cast<void**>(node.inline_attrs);
  node.op->destroy(attrs);
  pool::free(attrs, node.attrs_class);
  node.flags &= static_cast<std::uint8_t>(~Node::kHeapAttrs);
}

void finish(TensorImpl* t) noexcept {
  if (t->storage) release_storage(t->storage);
  if (t->grad) drop_handle(t->grad);
  if (t->extra) delete t->extra;
  if (t->producer == &t->node) {
    if (t->node.num_inputs != 0 || t->node.flags & Node::kHeapAttrs) clear_node(t->node);
  } else if (t->producer)
    drop_multi_node(static_cast<MultiNode*>(t->producer));
  const std::uint8_t size_class = t->object_class;
  t->~TensorImpl();
  pool::free(t, size_class);
}

}  // namespace

void clear_heap_edges(Node& node) noexcept {
  for (int i = 0; i < node.num_inputs; ++i) drop(node.heap_edges[i]);
  pool::free(node.heap_edges, node.heap_class);
  node.heap_edges = nullptr;
  node.num_inputs = 0;
}

void clear_node(Node& node) noexcept {
  clear_edges(node);
  free_attrs(node);
}

// Objects to destroy are chained through their count word, which nobody reads any more, so that a
// tape of any depth goes without recursion.
void destroy_impl(TensorImpl* t) noexcept {
  if (t->pending.load(std::memory_order_acquire)) [[unlikely]]
    detach_pending(t);
  ThreadState& state = thread_state;
  t->counts.store(reinterpret_cast<std::uint64_t>(state.doomed), std::memory_order_relaxed);
  state.doomed = t;
  if (state.destroying) return;
  state.destroying = true;
  while (TensorImpl* next = state.doomed) {
    state.doomed = reinterpret_cast<TensorImpl*>(next->counts.load(std::memory_order_relaxed));
    finish(next);
  }
  state.destroying = false;
}

void last_handle_gone(TensorImpl* t) noexcept {
  release_unsaved_storage(t);
  if (add_to_count(t->counts, std::uint64_t{0} - kOneHandle, std::memory_order_acq_rel) == 0)
    destroy_impl(t);
}

void drop_multi_node(MultiNode* node) noexcept {
  if (node->refs.fetch_sub(1, std::memory_order_acq_rel) != 1) return;
  clear_node(*node);
  for (std::uint32_t k = 0; k < node->num_outputs; ++k)
    if (node->outputs[k].saved) drop_handle(node->outputs[k].saved);
  delete[] node->outputs;
  delete node;
}

}  // namespace catena::detail
