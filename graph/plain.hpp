// The fast path: pointwise calls on small contiguous CPU tensors of one shape and dtype, or on such
// a tensor and numbers; most calls of many programs. They are recorded and differentiated with
// nothing left to look up. What it declines takes the general path, graph/dispatch.cpp and
// Walk::process, to the same bits.
#pragma once

#include <source_location>

#include "catena/graph/op.hpp"
#include "catena/graph/tensor_impl.hpp"

namespace catena::detail {

// The result of the call (one handle), recorded if it should be. Null when the call is not plain;
// nothing has happened then.
TensorImpl* plain_call(const OpInfo& op, const void* attrs, Operand* const* operands, int n,
                       const std::source_location& location);

// Whether calls may be plain at all, on any thread: a Profiler sees those of the general path.
void set_plain_calls(bool on);

// The memory of a temporary that ends with this pointwise call, for the result `out`: it has its
// shape and element size, nobody else can see it, and no gradient reads it. Null when there is
// none.
Storage* take_storage(const OpInfo& op, Operand* const* operands, int n, const TensorImpl* out);

}  // namespace catena::detail
