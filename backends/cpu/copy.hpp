// Copies between tensors of one shape and dtype whatever their strides.
#pragma once

#include "catena/graph/backend.hpp"

namespace catena::cpu {

// dst[...] = src[...]; the two do not overlap.
void copy_strided(const TensorView& dst, const TensorView& src);

}  // namespace catena::cpu
