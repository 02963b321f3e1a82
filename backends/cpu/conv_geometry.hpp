// A convolution in three spatial dimensions, as the kernels see it; fewer are led by sizes of 1.
#pragma once

#include <cstdint>

namespace catena::cpu {

// y [batch, groups * outputs, out] is the convolution of x [batch, groups * inputs, in] with weight
// [groups * outputs, inputs, kernel], `before` zeros in front of x and as many behind it as it
// takes.
struct ConvGeometry {
  std::int64_t batch = 0, groups = 1, inputs = 0, outputs = 0;
  std::int64_t in[3] = {1, 1, 1}, out[3] = {1, 1, 1}, kernel[3] = {1, 1, 1};
  std::int64_t stride[3] = {1, 1, 1}, dilation[3] = {1, 1, 1}, before[3] = {0, 0, 0};
};

}  // namespace catena::cpu
