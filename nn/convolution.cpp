#include "catena/nn/convolution.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "catena/graph/error.hpp"
#include "catena/nn/init.hpp"

namespace catena::nn::detail {
namespace {

// Fails unless channels and groups fit together.
void check(const char* layer, int spatial, std::int64_t in, std::int64_t out, std::int64_t groups,
           const std::source_location& loc) {
  if (in > 0 && out > 0 && groups > 0 && in % groups == 0 && out % groups == 0) return;
  throw_argument(OpName<op::Conv>::value,
                 fmt::format("{}{}d({}, {}) with groups {}: channels and groups must be positive, "
                             "and channels multiples of groups",
                             layer, spatial, in, out, groups),
                 loc);
}

Shape weight_shape(std::int64_t first, std::int64_t second, const Shape& kernel) {
  Shape shape{first, second};
  for (const std::int64_t size : kernel) shape.push_back(size);
  return shape;
}

// What kaiming_uniform_ with a = sqrt(5) draws for the weight.
Tensor drawn(const Shape& shape, const Tensor& weight) {
  const Tensor t = empty(shape);
  const double bound = 1 / std::sqrt(init::fans(weight.defined() ? weight : t).in);
  return init::uniform_(t, -bound, bound);
}

void check_input(const Tensor& x, std::int64_t channels, int spatial, const std::string& label,
                 const char* layer, const std::source_location& loc) {
  if (x.defined() && (x.rank() == spatial + 1 || x.rank() == spatial + 2) &&
      x.shape()[x.rank() - spatial - 1] == channels)
    return;
  throw_argument(
      OpName<op::Conv>::value,
      fmt::format("{}x is {}, but {}{}d({}, ..) takes {} channels and {} spatial dimensions", label,
                  x.defined() ? catena::to_string(x.shape()) : "undefined", layer, spatial,
                  channels, channels, spatial),
      loc);
}

}  // namespace

ConvLayer::ConvLayer(int spatial, std::int64_t in_channels, std::int64_t out_channels,
                     const Sizes& kernel_size, const ConvLayerOptions& options, Location loc)
    : spatial_(spatial),
      in_(in_channels),
      mode_(options.padding_mode),
      options_{options.stride, options.padding, options.dilation, options.groups} {
  check("Conv", spatial, in_channels, out_channels, options.groups, loc);
  const char* name = OpName<op::Conv>::value;
  const Shape kernel = kernel_size.of(spatial, name, "kernel_size", 1, loc);
  const Shape stride = options.stride.of(spatial, name, "stride", 1, loc);
  const Shape dilation = options.dilation.of(spatial, name, "dilation", 1, loc);
  options.padding.resolve(kernel, stride, dilation, loc, &before_, &after_);
  weight_ = register_parameter(
      "weight", drawn(weight_shape(out_channels, in_channels / options.groups, kernel), {}));
  if (options.bias) bias_ = register_parameter("bias", drawn({out_channels}, weight_));
  set_description(fmt::format(
      "{}, {}, kernel_size={}, stride={}, padding={}", in_channels, out_channels,
      catena::to_string(kernel), catena::to_string(stride),
      options.padding.name().empty() ? catena::to_string(before_) : options.padding.name()));
  if (mode_ != PadMode::kConstant) options_.padding = 0;
}

Tensor ConvLayer::forward(Tensor x) {
  check_input(x, in_, spatial_, label(), "Conv", call_location());
  if (mode_ != PadMode::kConstant) {
    std::vector<PadPair> borders;
    for (int d = 0; d < spatial_; ++d) borders.emplace_back(before_[d], after_[d]);
    x = pad(std::move(x), borders, mode_);
  }
  if (spatial_ == 1) return conv1d(std::move(x), weight_, bias_, options_);
  if (spatial_ == 2) return conv2d(std::move(x), weight_, bias_, options_);
  return conv3d(std::move(x), weight_, bias_, options_);
}

ConvTransposeLayer::ConvTransposeLayer(int spatial, std::int64_t in_channels,
                                       std::int64_t out_channels, const Sizes& kernel_size,
                                       const ConvTransposeLayerOptions& options, Location loc)
    : spatial_(spatial),
      in_(in_channels),
      options_{options.stride, options.padding, options.output_padding, options.groups,
               options.dilation} {
  check("ConvTranspose", spatial, in_channels, out_channels, options.groups, loc);
  const char* name = OpName<op::ConvTranspose>::value;
  const Shape kernel = kernel_size.of(spatial, name, "kernel_size", 1, loc);
  const Shape stride = options.stride.of(spatial, name, "stride", 1, loc);
  weight_ = register_parameter(
      "weight", drawn(weight_shape(in_channels, out_channels / options.groups, kernel), {}));
  if (options.bias) bias_ = register_parameter("bias", drawn({out_channels}, weight_));
  set_description(fmt::format("{}, {}, kernel_size={}, stride={}", in_channels, out_channels,
                              catena::to_string(kernel), catena::to_string(stride)));
}

Tensor ConvTransposeLayer::forward(Tensor x) {
  check_input(x, in_, spatial_, label(), "ConvTranspose", call_location());
  if (spatial_ == 1) return conv_transpose1d(std::move(x), weight_, bias_, options_);
  if (spatial_ == 2) return conv_transpose2d(std::move(x), weight_, bias_, options_);
  return conv_transpose3d(std::move(x), weight_, bias_, options_);
}

}  // namespace catena::nn::detail
