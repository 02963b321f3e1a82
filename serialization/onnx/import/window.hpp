// Kernels, strides, dilations and pads of convolutions and pooling. Not a public header.
#pragma once

#include "catena/serialization/onnx/import/operators.hpp"

namespace catena::onnx {

struct Window {
  Shape kernel, stride, dilation, before, after;
};

// The attributes of a node for an x of these spatial sizes; auto_pad is worked out, with
// `ceil_mode` for pooling. Errors: lists of other lengths, numbers out of range.
Window read_window(const Call& c, const Shape& kernel, const Shape& spatial);
// The sizes behind N and C.
Shape spatial_of(const Call& c, const Tensor& x);
// A list attribute with an entry per spatial dimension, each at least `least`; else all are
// `otherwise`.
Shape spatial_attribute(const Call& c, const char* name, int count, std::int64_t otherwise,
                        std::int64_t least);

}  // namespace catena::onnx
