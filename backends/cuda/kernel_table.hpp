// The CUDA rows of the built-in ops.
#pragma once

#include "catena/graph/backend_abi.hpp"

namespace catena::gpu {

// Hands the core a row for every op of ops.def that has one here. Returns null, or the name of an
// op that the core knows otherwise than this library does.
const char* register_rows(const CoreApi& core);

}  // namespace catena::gpu
