#include "catena/graph/record.hpp"

#include <cstring>

#include "catena/graph/pool.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/view.hpp"

namespace catena::detail {

void copy_attrs(Node& node, const OpInfo& op, const void* attrs) {
  if (op.attrs_size <= Node::kInlineAttrs && op.trivial_attrs) {
    std::memcpy(node.inline_attrs, attrs, op.attrs_size);
    return;
  }
  void* copy = pool::allocate(op.attrs_size, &node.attrs_class);
  op.copy(copy, attrs);
  std::memcpy(node.inline_attrs, &copy, sizeof copy);
  node.flags |= Node::kHeapAttrs;
}

namespace {

// Which inputs the op's gradient reads, given which inputs want one.
std::uint32_t saved_mask(const OpInfo& op, Operand* const* operands, int n) {
  std::uint32_t mask = 0;
  for (int i = 0; i < n; ++i)
    if (operands[i]->impl()->requires_grad) mask |= op.saves.mask_for(i);
  return mask;
}

bool is_saved(std::uint32_t mask, int i) {
  return mask & Saves::kAllInputs || (i < 30 && mask >> i & 1u);
}

// Fills `node` with the call and turns the operands that the gradient needs into edges. Returns
// whether the gradient reads the output.
bool record_call(Node& node, const OpInfo& op, const void* attrs, Operand* const* operands, int n,
                 const std::source_location& location) {
  store_attrs(node, op, attrs);
  node.location = location;
  node.thread = thread_id();
  node.num_inputs = static_cast<std::uint16_t>(n);
  if (n > Node::kInlineInputs) {
    node.heap_edges = static_cast<Edge*>(pool::allocate(
        static_cast<std::size_t>(n) * (sizeof(Edge) + sizeof(std::uint32_t)), &node.heap_class));
    for (int i = 0; i < n; ++i) node.heap_edges[i] = Edge();
  }
  Edge* edges = node.edges();
  std::uint32_t* versions = node.versions();
  const std::uint32_t saves = saved_mask(op, operands, n);
  std::uint64_t sequence = thread_state.sequence;
  for (int i = 0; i < n; ++i) {
    TensorImpl* input = operands[i]->impl();
    const bool saved = is_saved(saves, i);
    std::uintptr_t bits = 0;
    if (input->requires_grad) {
      bits |= Edge::kNeedsGrad;
      if (input->producer && input->producer->sequence > sequence)
        sequence = input->producer->sequence;
    }
    if (saved) {
      bits |= Edge::kSaved;
      if (!input->saved.load(std::memory_order_relaxed))
        input->saved.store(true, std::memory_order_relaxed);
      // A pending value has no memory yet that anybody could have written.
      versions[i] = input->pending.load(std::memory_order_acquire)
                        ? 0
                        : input->storage->version.load(std::memory_order_relaxed);
    }
    // The gradient of an op of any number of inputs asks for the shapes of all of them.
    if (bits || n > op.inputs.count) {
      operands[i]->become_edge();
      edges[i] = Edge(input, bits);
    }
  }
  node.sequence = ++sequence;
  thread_state.sequence = sequence;
  return saves & Saves::kOutput;
}

}  // namespace

bool saves_input(const OpInfo& op, Operand* const* operands, int n, int i) {
  return is_saved(saved_mask(op, operands, n), i);
}

bool wants_record(const OpInfo& op, Operand* const* operands, int n) {
  if (!thread_state.grad_enabled || !op.differentiable) return false;
  for (int i = 0; i < n; ++i)
    if (operands[i]->impl()->requires_grad) return true;
  return false;
}

void record_single(TensorImpl* out, const OpInfo& op, const void* attrs, Operand* const* operands,
                   int n, const std::source_location& location) {
  if (record_call(out->node, op, attrs, operands, n, location)) {
    out->saved.store(true, std::memory_order_relaxed);
    out->node.flags |= Node::kSavesOutput;
    out->node.output_version = 0;  // new memory, or none yet
  }
  out->producer = &out->node;
  out->requires_grad = true;
}

void record_multi(TensorImpl* const* outs, int num_outs, const OpInfo& op, const void* attrs,
                  Operand* const* operands, int n, const std::source_location& location) {
  auto* node = new MultiNode;
  node->flags = Node::kMultiOutput;
  const bool saves_output = record_call(*node, op, attrs, operands, n, location);
  node->num_outputs = static_cast<std::uint32_t>(num_outs);
  node->outputs = new MultiNode::Output[static_cast<std::size_t>(num_outs)];
  for (int k = 0; k < num_outs; ++k) {
    MultiNode::Output& o = node->outputs[k];
    o.shape = outs[k]->shape;
    o.dtype = outs[k]->dtype;
    o.device = outs[k]->device;
    if (saves_output) o.saved = alias_of(outs[k]);
    if (k < 32 && op.no_grad_outputs >> k & 1u) continue;
    if (!is_differentiable(o.dtype)) continue;
    outs[k]->producer = node;
    outs[k]->output_index = k;
    outs[k]->requires_grad = true;
    node->refs.fetch_add(1, std::memory_order_relaxed);
  }
  if (saves_output) {
    node->flags |= Node::kSavesOutput;
    node->output_version = outs[0]->storage->version.load(std::memory_order_relaxed);
  }
  if (node->refs.load(std::memory_order_relaxed) == 0) {
    node->refs.store(1);
    drop_multi_node(node);
  }
}

}  // namespace catena::detail
