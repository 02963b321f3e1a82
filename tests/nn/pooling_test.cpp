#include "catena/nn/pooling.hpp"

#include <cmath>
#include <limits>

#include "catena/ops/all.hpp"
#include "pooling_reference.hpp"
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
void expect_reference(Layer layer, Tensor x, const PoolReference& r) {
  x.set_requires_grad();
  const Tensor y = layer(x);
  y.backward(filled(y.shape(), 3));
  EXPECT_TRUE(close(y, r.y, 1e-8, 1e-8));
  EXPECT_TRUE(close(x.grad(), r.x_gradient, 1e-8, 1e-8));
}

TEST(Pooling, MaxPoolAgreesWithPyTorch) {
  expect_reference(nn::MaxPool1d(3, {.stride = 2, .padding = 1, .ceil_mode = true}),
                   filled({2, 1, 6}, 0), kMaxPool1d);
  expect_reference(nn::MaxPool2d({2, 3}, {.stride = {2, 1}, .dilation = {1, 2}}),
                   filled({1, 2, 4, 6}, 0), kMaxPool2d);
  expect_reference(nn::MaxPool3d(2), filled({1, 2, 2, 4, 5}, 0), kMaxPool3d);
}

TEST(Pooling, AvgPoolAgreesWithPyTorch) {
  expect_reference(nn::AvgPool1d(3, {.stride = 2, .padding = 1, .ceil_mode = true}),
                   filled({1, 2, 6}, 0), kAvgPool1d);
  expect_reference(
      nn::AvgPool2d({3, 2}, {.stride = 2, .padding = {1, 0}, .count_include_pad = false}),
      filled({1, 2, 4, 5}, 0), kAvgPool2d);
  expect_reference(nn::AvgPool3d(2, {.stride = 1, .divisor_override = 3}),
                   filled({1, 1, 2, 3, 3}, 0), kAvgPool3d);
}

TEST(Pooling, LpPoolAgreesWithPyTorch) {
  expect_reference(nn::LPPool1d(3, 2, {.stride = 1}), abs(filled({1, 1, 5}, 0)) + 0.1, kLPPool1d);
  expect_reference(nn::LPPool2d(2, {2, 3}, {.ceil_mode = true}), abs(filled({1, 1, 5, 4}, 0)) + 0.1,
                   kLPPool2d);
  Tensor x = zeros({1, 1, 4}).set_requires_grad();
  lp_pool1d(x, 2, 2).sum().backward();
  EXPECT_EQ(x.grad().to_vector(), (std::vector<double>{0, 0, 0, 0}));
}

TEST(Pooling, AdaptivePoolsAgreeWithPyTorch) {
  expect_reference(nn::AdaptiveMaxPool2d({2, 3}), filled({1, 2, 5, 4}, 0), kAdaptiveMaxPool2d);
  expect_reference(nn::AdaptiveAvgPool1d(4), filled({1, 2, 6}, 0), kAdaptiveAvgPool1d);
  expect_reference(nn::AdaptiveAvgPool3d(1), filled({1, 3, 2, 2, 2}, 0), kAdaptiveAvgPool3d);
}

TEST(Pooling, OfEqualEntriesTheFirstIsTaken) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const Pooled p = max_pool1d_with_indices(tensor({{{1, 1, 0, nan, 5, nan}}}), 3);
  EXPECT_EQ(p.indices.to_vector<std::int64_t>(), (std::vector<std::int64_t>{0, 5}));
  EXPECT_EQ(p.values.to_vector()[0], 1);
  EXPECT_TRUE(std::isnan(p.values.to_vector()[1]));
  // Positions count over the plane, batch or not.
  const Pooled q = max_pool2d_with_indices(tensor({{{0, 1}, {2, 3}}}), 2);
  EXPECT_EQ(q.indices.shape(), (Shape{1, 1, 1}));
  EXPECT_EQ(q.indices.item<std::int64_t>(), 3);
}

TEST(Pooling, Errors) {
  nn::MaxPool2d pool(3, {.padding = 2});
  expect_error<ArgumentError>(
      [&] {
        pool(ones({1, 1, 5, 5}));
      },
      {"[max_pool] padding [2, 2] and [2, 2] of kernel [3, 3]; expected at most half of the window",
       "pooling_test.cpp"});
  expect_error<ArgumentError>([] { nn::AvgPool1d(0); },
                              {"[avg_pool] kernel 0; expected 1 or more"});
  expect_error<ArgumentError>(
      [] {
        avg_pool2d(ones({5, 5}), 2);
      },
      {"[avg_pool] 2d: x has shape [5, 5]; expected 4 dimensions, or 3"});
  expect_error<ArgumentError>(
      [] {
        lp_pool1d(ones({1, 1, 4}), 0, 2);
      },
      {"[lp_pool] p = 0; expected p > 0"});
  EXPECT_EQ(nn::to_string(nn::MaxPool2d(2)),
            "MaxPool2d(kernel=[2, 2], stride=[2, 2], padding=[0, 0])");
}

}  // namespace
}  // namespace catena::test
