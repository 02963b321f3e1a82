#include "catena/nn/convolution.hpp"

#include <cmath>

#include "catena/graph/autograd.hpp"
#include "catena/nn/clone.hpp"
#include "catena/ops/all.hpp"
#include "convolution_reference.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

Tensor filled(const Shape& shape, int salt) {
  std::vector<double> v(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < v.size(); ++i)
    v[i] = (static_cast<double>((i * 37 + static_cast<std::size_t>(salt) * 11) % 101) - 50) / 50;
  return tensor(v, shape, kFloat64);
}

template <class Layer>
void expect_reference(Layer layer, const Shape& shape, const ConvReference& r) {
  layer.to(kFloat64);
  {
    NoGrad off;
    layer.weight().copy_(filled(layer.weight().shape(), 1));
    if (layer.bias().defined()) layer.bias().copy_(filled(layer.bias().shape(), 2));
  }
  Tensor x = filled(shape, 0);
  x.set_requires_grad();
  const Tensor y = layer(x);
  y.backward(filled(y.shape(), 3));
  EXPECT_TRUE(close(y, r.y, 1e-8, 1e-8));
  EXPECT_TRUE(close(x.grad(), r.x_gradient, 1e-8, 1e-8));
  EXPECT_TRUE(close(layer.weight().grad(), r.weight_gradient, 1e-8, 1e-8));
  if (layer.bias().defined()) {
    EXPECT_TRUE(close(layer.bias().grad(), r.bias_gradient, 1e-8, 1e-8));
  }
}

TEST(Convolution, LayersAgreeWithPyTorch) {
  expect_reference(nn::Conv1d(2, 3, 3, {.stride = 2, .padding = 1}), {2, 2, 6}, kConv1d);
  expect_reference(nn::Conv1d(2, 2, 4, {.padding = "same", .dilation = 2}), {1, 2, 5}, kConv1dSame);
  expect_reference(nn::Conv2d(2, 4, {3, 2}, {.stride = {2, 1}, .padding = {1, 0}, .groups = 2}),
                   {1, 2, 4, 3}, kConv2d);
  expect_reference(
      nn::Conv2d(1, 2, 3, {.padding = 1, .bias = false, .padding_mode = PadMode::kReflect}),
      {1, 1, 3, 4}, kConv2dReflect);
  expect_reference(nn::Conv3d(1, 2, 2, {.dilation = {1, 2, 1}}), {1, 1, 2, 4, 3}, kConv3d);
}

TEST(Convolution, TransposedLayersAgreeWithPyTorch) {
  expect_reference(nn::ConvTranspose1d(2, 2, 3, {.stride = 3, .padding = 1, .output_padding = 2}),
                   {1, 2, 3}, kConvTranspose1d);
  expect_reference(
      nn::ConvTranspose2d(4, 2, 3, {.stride = 2, .padding = 1, .output_padding = 1, .groups = 2}),
      {1, 4, 2, 3}, kConvTranspose2d);
  expect_reference(nn::ConvTranspose3d(1, 2, 2, {.bias = false, .dilation = 2}), {1, 1, 2, 1, 2},
                   kConvTranspose3d);
}

TEST(Convolution, AnImageNeedsNoBatch) {
  nn::Conv2d conv(3, 4, 3, {.padding = "valid"});
  const Tensor x = random_normal({3, 6, 7});
  const Tensor y = conv(x);
  EXPECT_EQ(y.shape(), (Shape{4, 4, 5}));
  EXPECT_TRUE(same_bits(y, conv(x.unsqueeze(0)).squeeze(0)));
  EXPECT_EQ(conv_transpose1d(ones({2, 5}), ones({2, 3, 2})).shape(), (Shape{3, 6}));
}

TEST(Convolution, InitialValuesAreWithinPyTorchsBound) {
  nn::Conv2d conv(6, 50, 5, {.groups = 2});
  const double bound = 1 / std::sqrt(3 * 25.0);
  const double most = max(abs(conv.weight())).item();
  EXPECT_LE(most, bound);
  EXPECT_GT(most, 0.99 * bound);
  EXPECT_LE(max(abs(conv.bias())).item(), bound);
  nn::ConvTranspose2d transposed(50, 6, 5, {.groups = 2});
  EXPECT_EQ(transposed.weight().shape(), (Shape{50, 3, 5, 5}));
  EXPECT_LE(max(abs(transposed.weight())).item(), bound);
  EXPECT_EQ(nn::clone(conv).num_parameters(), conv.num_parameters());
}

TEST(Convolution, Errors) {
  nn::Conv2d conv(3, 4, 3);
  expect_error<ArgumentError>(
      [&] {
        conv(ones({1, 2, 5, 5}));
      },
      {"[conv] x is [1, 2, 5, 5], but Conv2d(3, ..) takes 3 channels and 2 spatial dimensions",
       "convolution_test.cpp"});
  expect_error<ArgumentError>([] { nn::Conv1d(3, 4, 2, {.groups = 2}); },
                              {"Conv1d(3, 4) with groups 2", "multiples of groups"});
  expect_error<ArgumentError>(
      [] {
        nn::Conv2d(1, 1, {3, 3, 3});
      },
      {"kernel_size [3, 3, 3] has 3 numbers; expected one, or 2"});
  expect_error<ArgumentError>([] { nn::Conv2d(1, 1, 3, {.stride = 2, .padding = "same"}); },
                              {"padding \"same\" with stride [2, 2]; expected stride 1"});
  expect_error<ArgumentError>([] { nn::Conv2d(1, 1, 3, {.padding = "full"}); },
                              {"padding \"full\"; expected numbers, \"same\" or \"valid\""});
  expect_error<ArgumentError>([] { nn::Conv2d(1, 1, 3, {.padding = -1}); },
                              {"padding -1; expected 0 or more"});
  expect_error<ArgumentError>(
      [] {
        conv_transpose1d(ones({1, 1, 4}), ones({1, 1, 3}), {}, {.stride = 2, .output_padding = 2});
      },
      {"[conv_transpose] output_padding [2] with stride [2] and dilation [1]; expected less than "
       "one of them"});
  expect_error<ArgumentError>(
      [] {
        conv2d(ones({4, 4}), ones({1, 1, 3, 3}));
      },
      {"[conv] 2d: x has shape [4, 4] and weight [1, 1, 3, 3]"});
}

}  // namespace
}  // namespace catena::test
