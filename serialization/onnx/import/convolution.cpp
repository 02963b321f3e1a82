// Convolutions and transposed ones.
#include "catena/ops/convolution.hpp"

#include <fmt/format.h>

#include "catena/ops/elementwise.hpp"
#include "catena/ops/pad.hpp"
#include "catena/serialization/onnx/import/window.hpp"

namespace catena::onnx {
namespace {

// The sizes of the weight's kernel, which the attribute may repeat.
Shape kernel_of(Call& c) {
  const Tensor& weight = c.in(1);
  const Shape spatial = spatial_of(c, c.in(0));
  if (weight.rank() != c.in(0).rank())
    c.fail(fmt::format("weight has shape {}, x {}; expected as many dimensions",
                       to_string(weight.shape()), to_string(c.in(0).shape())));
  const Shape kernel(weight.shape().data() + 2, spatial.rank());
  const auto given = c.integers("kernel_shape");
  if (given && !given->empty() && !(c.shape(*given) == kernel))
    c.fail(fmt::format("kernel_shape {}; the weight has {}", to_string(c.shape(*given)),
                       to_string(kernel)));
  return kernel;
}

std::vector<Tensor> operands(Call& c) {
  std::vector<Tensor> list{c.in(0), c.in(1)};
  if (c.has(2)) list.push_back(c.in(2));
  return list;
}

Values conv(Call& c) {
  const Window w = read_window(c, kernel_of(c), spatial_of(c, c.in(0)));
  op::Conv op{w.stride, w.before, w.after, w.dilation, c.attribute("group", std::int64_t{1})};
  return {call(op, operands(c))};
}

Values conv_transpose(Call& c) {
  const Shape spatial = spatial_of(c, c.in(0));
  const Shape kernel = kernel_of(c);
  const int count = spatial.rank();
  Window w = read_window(c, kernel, spatial);
  Shape extra = spatial_attribute(c, "output_padding", count, 0, 0);
  const std::string mode = c.attribute("auto_pad", "NOTSET");
  const bool same = mode == "SAME_UPPER" || mode == "SAME_LOWER";
  const auto given = c.integers("output_shape");
  if (same || (given && !given->empty())) {
    // Pads follow from the size of the result: that of x times the stride unless it is given. Only
    // its last numbers count where N and C are listed too.
    Shape out;
    for (int d = 0; d < count; ++d) out.push_back(spatial[d] * w.stride[d]);
    if (given && !given->empty()) {
      if (given->size() < static_cast<std::size_t>(count))
        c.fail(fmt::format("output_shape has {} numbers; expected {}", given->size(), count));
      for (int d = 0; d < count; ++d)
        out[d] = (*given)[given->size() - static_cast<std::size_t>(count - d)];
    }
    for (int d = 0; d < count; ++d) {
      const std::int64_t total =
          w.stride[d] * (spatial[d] - 1) + extra[d] + w.dilation[d] * (kernel[d] - 1) + 1 - out[d];
      // What is missing lies behind, as output_padding does.
      w.before[d] = total < 0 ? 0 : mode == "SAME_UPPER" ? total / 2 : total - total / 2;
      w.after[d] = total - w.before[d];
    }
  }
  // What is missing at an end is zeros there, and output_padding a negative pad behind.
  std::vector<PadPair> border(static_cast<std::size_t>(count));
  bool has_border = false;
  for (int d = 0; d < count; ++d) {
    w.after[d] -= extra[d];
    auto& [front, behind] = border[static_cast<std::size_t>(d)];
    front = std::max<std::int64_t>(0, -w.before[d]);
    behind = std::max<std::int64_t>(0, -w.after[d]);
    has_border = has_border || front > 0 || behind > 0;
    w.before[d] += front;
    w.after[d] += behind;
  }
  std::vector<Tensor> list = operands(c);
  const bool late_bias = has_border && list.size() == 3;
  Tensor bias;
  if (late_bias) {
    bias = list[2];
    list.pop_back();
  }
  op::ConvTranspose op{w.stride,
                       w.before,
                       w.after,
                       w.dilation,
                       Shape::filled(count, 0),
                       c.attribute("group", std::int64_t{1})};
  Tensor y = call(op, list);
  if (has_border) y = pad(y, border);
  if (late_bias) {
    Shape shape = Shape::filled(count + 2, 1);
    shape[1] = bias.numel();
    y = y + bias.reshape(shape);
  }
  return {y};
}

}  // namespace

std::vector<Operator> convolution_operators() {
  return {
      {"Conv", 1, conv},
      {"ConvTranspose", 1, conv_transpose},
  };
}

}  // namespace catena::onnx
