// Kernels of pointwise ops from the shared formulas, value and gradient, in two sources.
#pragma once

#include "catena/backends/cuda/runtime.hpp"

namespace catena::gpu {

// The whole gradient of a pointwise op in one launch per wanted input.
template <class Op>
KernelFn pointwise_gradient();

}  // namespace catena::gpu
