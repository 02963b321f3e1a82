// Convolutions through oneDNN where it is faster than our own.
#pragma once

#include "catena/backends/cpu/onednn_api.hpp"

namespace catena::cpu {

// Computes the one of x, weight and y that the kind says from the other two. False where oneDNN is
// not there, fails, or our own kernels are as fast: then it is still to be computed.
bool onednn_convolution(ConvKind kind, const ConvGeometry& geometry, float* x, float* weight,
                        float* y);

}  // namespace catena::cpu
