// The gradient rule of a pointwise op: its derivative formula with T = Tensor.
// Not a public header.
#pragma once

#include "catena/graph/op.hpp"

namespace catena::detail {

using VjpFn = void (*)(const void* op, VjpContext& context);

// Null for ops without a derivative. Defined in <stem>.cpp for the pointwise ops of the stem.
template <class Op>
VjpFn pointwise_gradient();

}  // namespace catena::detail
