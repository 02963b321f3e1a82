// Copies between any two descriptions of memory. Bytes only, so there is one build of it for all
// instruction sets.
#pragma once

#include "catena/graph/backend.hpp"

namespace catena::cpu {

// dst[...] = src[...] over equal shapes and dtypes, any strides. The two must not overlap.
void copy_strided(const TensorView& dst, const TensorView& src);

}  // namespace catena::cpu
