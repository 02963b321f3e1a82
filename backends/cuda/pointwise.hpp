// Kernels of pointwise ops from the shared formulas: per stem one source for the values and one for
// the gradients, so that no compilation takes long.
#pragma once

#include "catena/backends/cuda/runtime.hpp"

namespace catena::gpu {

// The whole gradient of a pointwise op in one launch per wanted input.
template <class Op>
KernelFn pointwise_gradient();

}  // namespace catena::gpu
