// Layers that move or resize images: Upsample, PixelShuffle, PixelUnshuffle, ChannelShuffle,
// Unfold, Fold.
#pragma once

#include <cstdint>

#include "catena/nn/module.hpp"
#include "catena/ops/resize.hpp"
#include "catena/ops/spatial.hpp"

namespace catena::nn {

// x [n, c, ...] at another size: interpolate(x, options). Errors: as of interpolate.
class Upsample : public Layer {
 public:
  explicit Upsample(InterpolateOptions options);
  Tensor forward(Tensor x) override;

 private:
  InterpolateOptions options_;
};

// [.., c r^2, h, w] to [.., c, h r, w r].
class PixelShuffle : public Layer {
 public:
  explicit PixelShuffle(std::int64_t upscale_factor);
  Tensor forward(Tensor x) override;

 private:
  std::int64_t factor_;
};
// [.., c, h r, w r] to [.., c r^2, h, w].
class PixelUnshuffle : public Layer {
 public:
  explicit PixelUnshuffle(std::int64_t downscale_factor);
  Tensor forward(Tensor x) override;

 private:
  std::int64_t factor_;
};
// The channels of x [n, c, ...], seen as [groups, c / groups], transposed.
class ChannelShuffle : public Layer {
 public:
  explicit ChannelShuffle(std::int64_t groups);
  Tensor forward(Tensor x) override;

 private:
  std::int64_t groups_;
};

// The windows of images x [n, c, h, w] as columns [n, c prod(kernel_size), windows].
class Unfold : public Layer {
 public:
  explicit Unfold(const Sizes& kernel_size, const Sizes& dilation = 1, const Sizes& padding = 0,
                  const Sizes& stride = 1, Location loc = Location::current());
  Tensor forward(Tensor x) override;

 private:
  Shape kernel_size_, dilation_, padding_, stride_;
};
// The sums of such columns at their windows: images [n, c, h, w] of the height and width
// output_size.
class Fold : public Layer {
 public:
  explicit Fold(const Sizes& output_size, const Sizes& kernel_size, const Sizes& dilation = 1,
                const Sizes& padding = 0, const Sizes& stride = 1,
                Location loc = Location::current());
  Tensor forward(Tensor x) override;

 private:
  Shape output_size_, kernel_size_, dilation_, padding_, stride_;
};

}  // namespace catena::nn
