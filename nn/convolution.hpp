// Conv1d to Conv3d and their transposed forms.
#pragma once

#include <cstdint>

#include "catena/nn/module.hpp"
#include "catena/ops/convolution.hpp"
#include "catena/ops/pad.hpp"

namespace catena::nn {

struct ConvLayerOptions {
  Sizes stride = 1;
  ConvPadding padding = 0;  // numbers, "same" or "valid"
  Sizes dilation = 1;
  std::int64_t groups = 1;
  bool bias = true;
  PadMode padding_mode = PadMode::kConstant;  // what the padding holds; zeros
};
struct ConvTransposeLayerOptions {
  Sizes stride = 1;
  Sizes padding = 0;
  Sizes output_padding = 0;
  std::int64_t groups = 1;
  bool bias = true;
  Sizes dilation = 1;
};

namespace detail {

class ConvLayer : public Layer {
 public:
  Tensor forward(Tensor x) override;
  Tensor weight() const { return weight_; }
  Tensor bias() const { return bias_; }  // undefined without one

 protected:
  ConvLayer(int spatial, std::int64_t in_channels, std::int64_t out_channels,
            const Sizes& kernel_size, const ConvLayerOptions& options, Location loc);

 private:
  int spatial_;
  std::int64_t in_;
  Shape before_, after_;  // of a padding that is not zeros
  PadMode mode_;
  ConvOptions options_;
  Parameter weight_, bias_;
};

class ConvTransposeLayer : public Layer {
 public:
  Tensor forward(Tensor x) override;
  Tensor weight() const { return weight_; }
  Tensor bias() const { return bias_; }  // undefined without one

 protected:
  ConvTransposeLayer(int spatial, std::int64_t in_channels, std::int64_t out_channels,
                     const Sizes& kernel_size, const ConvTransposeLayerOptions& options,
                     Location loc);

 private:
  int spatial_;
  std::int64_t in_;
  ConvTransposeOptions options_;
  Parameter weight_, bias_;
};

}  // namespace detail

// conv1d, conv2d or conv3d of x [N, in_channels, ..] (or without N) with weight [out_channels,
// in_channels / groups, kernel_size ..] and bias [out_channels]:
//   nn::Conv2d conv(3, 64, 3, {.stride = 2, .padding = 1, .bias = false});
// Both start uniform in [-b, b), b = 1 / sqrt(in_channels / groups * entries of the kernel),
// PyTorch's default. Errors: sizes that are not positive; channels that are not multiples of
// groups.
class Conv1d : public detail::ConvLayer {
 public:
  Conv1d(std::int64_t in_channels, std::int64_t out_channels, Sizes kernel_size,
         ConvLayerOptions options = {}, Location loc = Location::current())
      : ConvLayer(1, in_channels, out_channels, kernel_size, options, loc) {}
};
class Conv2d : public detail::ConvLayer {
 public:
  Conv2d(std::int64_t in_channels, std::int64_t out_channels, Sizes kernel_size,
         ConvLayerOptions options = {}, Location loc = Location::current())
      : ConvLayer(2, in_channels, out_channels, kernel_size, options, loc) {}
};
class Conv3d : public detail::ConvLayer {
 public:
  Conv3d(std::int64_t in_channels, std::int64_t out_channels, Sizes kernel_size,
         ConvLayerOptions options = {}, Location loc = Location::current())
      : ConvLayer(3, in_channels, out_channels, kernel_size, options, loc) {}
};

// The transposed convolutions, with weight [in_channels, out_channels / groups, kernel_size ..].
class ConvTranspose1d : public detail::ConvTransposeLayer {
 public:
  ConvTranspose1d(std::int64_t in_channels, std::int64_t out_channels, Sizes kernel_size,
                  ConvTransposeLayerOptions options = {}, Location loc = Location::current())
      : ConvTransposeLayer(1, in_channels, out_channels, kernel_size, options, loc) {}
};
class ConvTranspose2d : public detail::ConvTransposeLayer {
 public:
  ConvTranspose2d(std::int64_t in_channels, std::int64_t out_channels, Sizes kernel_size,
                  ConvTransposeLayerOptions options = {}, Location loc = Location::current())
      : ConvTransposeLayer(2, in_channels, out_channels, kernel_size, options, loc) {}
};
class ConvTranspose3d : public detail::ConvTransposeLayer {
 public:
  ConvTranspose3d(std::int64_t in_channels, std::int64_t out_channels, Sizes kernel_size,
                  ConvTransposeLayerOptions options = {}, Location loc = Location::current())
      : ConvTransposeLayer(3, in_channels, out_channels, kernel_size, options, loc) {}
};

}  // namespace catena::nn
