// Layers that pad, move or resize. Numbers are PyTorch's.
#include "catena/nn/resampling.hpp"

#include <cmath>

#include "catena/graph/autograd.hpp"
#include "catena/nn/padding.hpp"
#include "catena/ops/all.hpp"
#include "nn/resampling_reference.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

Tensor filled(const Shape& shape, double (*f)(std::int64_t)) {
  std::vector<double> v(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = f(static_cast<std::int64_t>(i));
  return tensor(v, shape, kFloat64);
}
double input(std::int64_t i) {
  return std::sin(1 + static_cast<double>(i)) * static_cast<double>(1 + i % 3);
}
double cotangent(std::int64_t i) { return std::cos(2 + static_cast<double>(i)); }

TEST(Resampling, LayersEqualPyTorchs) {
  std::size_t at = 0;
  const auto check = [&](const char* name, auto layer) {
    ASSERT_LT(at, kResamplingCases.size());
    const ResamplingCase& c = kResamplingCases[at++];
    SCOPED_TRACE(c.name);
    ASSERT_EQ(c.name, name);
    Tensor x = filled(c.x, input).set_requires_grad();
    const Tensor y = layer(x);
    EXPECT_EQ(y.shape(), c.y);
    EXPECT_TRUE(close(y, c.values, 1e-12, 1e-13));
    y.backward(filled(y.shape(), cotangent));
    EXPECT_TRUE(close(x.grad(), c.dx, 1e-12, 1e-13));
  };
  check("ConstantPad1d", nn::ConstantPad1d({{{1, 2}}}, 1.5));
  check("ZeroPad2d", nn::ZeroPad2d({{{2, -1}, {1, 0}}}));
  check("ReflectionPad2d", nn::ReflectionPad2d({{{0, 1}, {1, 2}}}));
  check("ReplicationPad3d", nn::ReplicationPad3d(1));
  check("CircularPad1d", nn::CircularPad1d({{{2, 1}}}));
  check("PixelShuffle", nn::PixelShuffle(2));
  check("PixelUnshuffle", nn::PixelUnshuffle(2));
  check("ChannelShuffle", nn::ChannelShuffle(2));
  check("Unfold", nn::Unfold({2, 3}, {1, 2}, {0, 1}, {2, 1}));
  check("Fold", nn::Fold({3, 4}, 2, 1, 1, 2));
  check("UpsampleNearest", nn::Upsample({.scale_factor = {2.5}}));
  check("UpsampleNearestExact", nn::Upsample({.size = {5, 2}, .mode = "nearest-exact"}));
  check("UpsampleLinear", nn::Upsample({.scale_factor = {1.7}, .mode = "linear"}));
  check("UpsampleBilinear", nn::Upsample({.scale_factor = {2, 1.5}, .mode = "bilinear"}));
  check("UpsampleBilinearCorners",
        nn::Upsample({.size = {3, 5}, .mode = "bilinear", .align_corners = true}));
  check("UpsampleTrilinear", nn::Upsample({.size = {2, 3, 2}, .mode = "trilinear"}));
  check("UpsampleBicubic", nn::Upsample({.size = {5, 3}, .mode = "bicubic"}));
  check("UpsampleBicubicCorners",
        nn::Upsample({.scale_factor = {2}, .mode = "bicubic", .align_corners = true}));
  check("UpsampleRecomputed",
        nn::Upsample({.scale_factor = {1.7}, .mode = "linear", .recompute_scale_factor = true}));
  check("Area", nn::Upsample({.size = {2, 3}, .mode = "area"}));
  EXPECT_EQ(at, kResamplingCases.size());
}

TEST(Padding, DescribesItselfAndWantsMoreThanThePaddedDimensions) {
  nn::ConstantPad2d layer({{{1, 2}, {0, 3}}}, 0.5);
  EXPECT_EQ(nn::to_string(layer), "ConstantPad2d((1, 2), (0, 3), value=0.5)");
  expect_error<ArgumentError>(
      [&] {
        layer(ones({2, 3}));
      },
      {"[pad] x is [2, 3]; expected at least 3 dimensions, 2 of them "
       "padded",
       "resampling_test.cpp"});
  nn::ReflectionPad1d wide(3);
  expect_error<ArgumentError>([&] { wide(ones({1, 2, 3})); }, {"with mode \"reflect\""});
}

TEST(Unfold, WorksOverAnyNumberOfDimensions) {
  const Tensor line = arange(0, 5, 1, TensorOptions(kFloat32)).reshape({1, 1, 5});
  EXPECT_TRUE(close(unfold(line, 2, 2), {0, 1, 2, 2, 3, 4}));
  EXPECT_TRUE(close(fold(unfold(line, 2), {5}, 2), {0, 2, 4, 6, 4}));
  expect_error<ArgumentError>(
      [&] {
        unfold(line, {2, 2});
      },
      {"[unfold] kernel_size [2, 2] has 2 numbers; expected one", "resampling_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        nn::Fold({3, 4}, 0);
      },
      {"[fold] kernel_size 0; expected 1 or more", "resampling_test.cpp"});
}

TEST(Interpolate, Errors) {
  const Tensor x = ones({1, 1, 3, 4});
  const auto fails = [&](const InterpolateOptions& options, const char* what) {
    expect_error<ArgumentError>([&] { interpolate(x, options); },
                                {"[interpolate] ", what, "resampling_test.cpp"});
  };
  fails({}, "neither size nor scale_factor is given; expected one of them");
  fails({.size = {2}, .scale_factor = {2}}, "both size and scale_factor are given");
  fails({.size = {2, 2, 2}}, "3 numbers in size for x [1, 1, 3, 4]; expected 1 or 2");
  fails({.size = {2}, .mode = "linear"},
        "x has shape [1, 1, 3, 4]; expected [N, C, L] for mode \"linear\"");
  fails({.size = {2}, .mode = "bilineal"}, "unknown mode \"bilineal\"");
  fails({.size = {2}, .align_corners = true}, "align_corners with mode \"nearest\"");
  fails({.scale_factor = {0.1}}, "scale_factor 0.1 makes 0 of the 3 entries of dimension 2");
  expect_error<ArgumentError>(
      [&] {
        interpolate(x, {.size = {0, 2}});
      },
      {"[resize] dimension 2 goes from 3 to 0 entries", "resampling_test.cpp"});
}

}  // namespace
}  // namespace catena::test
