#include "catena/nn/resampling.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catena/ops/pixel_shuffle.hpp"
#include "catena/ops/unfold.hpp"

namespace catena::nn {

Upsample::Upsample(InterpolateOptions options) : options_(std::move(options)) {
  set_description(
      fmt::format("{}, mode={}, align_corners={}",
                  options_.scale_factor.empty()
                      ? "size=" + catena::to_string(options_.size)
                      : fmt::format("scale_factor=[{}]", fmt::join(options_.scale_factor, ", ")),
                  options_.mode, options_.align_corners));
}
Tensor Upsample::forward(Tensor x) { return interpolate(std::move(x), options_); }

PixelShuffle::PixelShuffle(std::int64_t upscale_factor) : factor_(upscale_factor) {
  set_description(fmt::format("upscale_factor={}", factor_));
}
Tensor PixelShuffle::forward(Tensor x) { return pixel_shuffle(std::move(x), factor_); }

PixelUnshuffle::PixelUnshuffle(std::int64_t downscale_factor) : factor_(downscale_factor) {
  set_description(fmt::format("downscale_factor={}", factor_));
}
Tensor PixelUnshuffle::forward(Tensor x) { return pixel_unshuffle(std::move(x), factor_); }

ChannelShuffle::ChannelShuffle(std::int64_t groups) : groups_(groups) {
  set_description(fmt::format("groups={}", groups_));
}
Tensor ChannelShuffle::forward(Tensor x) { return channel_shuffle(std::move(x), groups_); }

namespace {
std::string windows(const Shape& kernel_size, const Shape& dilation, const Shape& padding,
                    const Shape& stride) {
  return fmt::format("kernel_size={}, dilation={}, padding={}, stride={}",
                     catena::to_string(kernel_size), catena::to_string(dilation),
                     catena::to_string(padding), catena::to_string(stride));
}
}  // namespace

Unfold::Unfold(const Sizes& kernel_size, const Sizes& dilation, const Sizes& padding,
               const Sizes& stride, Location loc)
    : kernel_size_(kernel_size.of(2, "unfold", "kernel_size", 1, loc)),
      dilation_(dilation.of(2, "unfold", "dilation", 1, loc)),
      padding_(padding.of(2, "unfold", "padding", 0, loc)),
      stride_(stride.of(2, "unfold", "stride", 1, loc)) {
  set_description(windows(kernel_size_, dilation_, padding_, stride_));
}
Tensor Unfold::forward(Tensor x) {
  return unfold(std::move(x), kernel_size_, dilation_, padding_, stride_);
}

Fold::Fold(const Sizes& output_size, const Sizes& kernel_size, const Sizes& dilation,
           const Sizes& padding, const Sizes& stride, Location loc)
    : output_size_(output_size.of(2, "fold", "output_size", 1, loc)),
      kernel_size_(kernel_size.of(2, "fold", "kernel_size", 1, loc)),
      dilation_(dilation.of(2, "fold", "dilation", 1, loc)),
      padding_(padding.of(2, "fold", "padding", 0, loc)),
      stride_(stride.of(2, "fold", "stride", 1, loc)) {
  set_description(fmt::format("output_size={}, {}", catena::to_string(output_size_),
                              windows(kernel_size_, dilation_, padding_, stride_)));
}
Tensor Fold::forward(Tensor x) {
  return fold(std::move(x), output_size_, kernel_size_, dilation_, padding_, stride_);
}

}  // namespace catena::nn
