// Shapes along reduced dimensions, shared by the ops that have `dims` and `keepdim`.
#pragma once

#include "catena/graph/tensor.hpp"

namespace catena::detail {

// Without the dimensions `over` (sorted, not negative), or with size 1 there.
Shape reduced_shape(const Shape& in, const Shape& over, bool keepdim);

// Dimensions as stored in a recorded op (already checked): sorted, from the front, all when empty.
Shape resolved_dims(const Shape& dims, int rank);

// The number of elements of `in` that one reduced value comes from.
std::int64_t reduced_count(const Shape& in, const Shape& over);

// The permutation that brings the dimensions `over` behind the others.
Shape reduced_last(const Shape& over, int rank);

// A reduced value brought to the rank of x, so that it broadcasts against x. When the reduced
// dimensions lead, broadcasting aligns it already.
Tensor aligned(const Tensor& value, const Shape& in, const Shape& over, bool keepdim);

}  // namespace catena::detail
