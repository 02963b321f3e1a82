// Turns a call into a node of the tape.
#pragma once

#include <source_location>

#include "catena/graph/op.hpp"
#include "catena/graph/tensor_impl.hpp"

namespace catena::detail {

// Grad mode is on, the op has a gradient and some operand wants one.
bool wants_record(const OpInfo& op, Operand* const* operands, int num_operands);
// Of a call that is recorded: whether its gradient reads input i.
bool saves_input(const OpInfo& op, Operand* const* operands, int num_operands, int i);

void copy_attrs(Node& node, const OpInfo& op, const void* attrs);
// The op and a copy of its attributes into the node.
inline void store_attrs(Node& node, const OpInfo& op, const void* attrs) {
  node.op = &op;
  if (!op.no_attrs && !op.relabels) copy_attrs(node, op, attrs);
}

// Makes `out`, or `outs`, the result of the call. Operands that the gradient needs become edges;
// temporaries give up their handles.
void record_single(TensorImpl* out, const OpInfo& op, const void* attrs, Operand* const* operands,
                   int num_operands, const std::source_location& location);
void record_multi(TensorImpl* const* outs, int num_outs, const OpInfo& op, const void* attrs,
                  Operand* const* operands, int num_operands, const std::source_location& location);

}  // namespace catena::detail
