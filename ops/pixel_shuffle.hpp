// Channels that become pixels and back, and channels that change places.
#pragma once

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// [..., C r^2, H, W] to [..., C, H r, W r] (Shi et al., 2016).
struct PixelShuffle {
  std::int64_t upscale_factor = 1;
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula =
      "y[.., c, h r + i, w r + j] = x[.., c r^2 + i r + j, h, w]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"upscale_factor", &PixelShuffle::upscale_factor, "r: how much larger y is"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("DepthToSpace");
  Tensor compose(std::span<const Tensor> in) const;
};

// [..., C, H r, W r] to [..., C r^2, H, W].
struct PixelUnshuffle {
  std::int64_t downscale_factor = 1;
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula =
      "y[.., c r^2 + i r + j, h, w] = x[.., c, h r + i, w r + j]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"downscale_factor", &PixelUnshuffle::downscale_factor, "r: how much smaller y is"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Reshape, Transpose, Reshape");
  Tensor compose(std::span<const Tensor> in) const;
};

// [N, C, ...] with its channels seen as [groups, C / groups] and transposed (Zhang et al., 2018).
struct ChannelShuffle {
  std::int64_t groups = 1;
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula = "y[n, k groups + g] = x[n, g C / groups + k]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"groups", &ChannelShuffle::groups, "groups of neighbouring channels"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Reshape, Transpose, Reshape");
  Tensor compose(std::span<const Tensor> in) const;
};

}  // namespace op

// Any dtype. Errors: fewer than 3 dimensions (of channel_shuffle: than 2); sizes that the factor or
// the number of groups does not divide; one below 1.
Tensor pixel_shuffle(Operand x, std::int64_t upscale_factor);
Tensor pixel_unshuffle(Operand x, std::int64_t downscale_factor);
Tensor channel_shuffle(Operand x, std::int64_t groups);

}  // namespace catena
