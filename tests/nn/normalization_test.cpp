#include "catena/nn/normalization.hpp"

#include <optional>

#include "catena/graph/autograd.hpp"
#include "catena/nn/clone.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Vec = std::vector<double>;

TEST(LayerNorm, NormalisesTheLastDimensions) {
  nn::LayerNorm layer({3});
  const Tensor y = layer(tensor({{1, 2, 3}, {-5, 0, 5}}));
  // (x - mean) / sqrt(var + eps), var biased: 2/3 and 50/3.
  EXPECT_TRUE(close(y, {-1.2247357, 0, 1.2247357, -1.2247445, 0, 1.2247445}, 1e-6));
  EXPECT_EQ(layer.num_parameters(), 6);
  EXPECT_EQ(nn::LayerNorm({2, 3}, 1e-5, false).num_parameters(), 0);
  layer(tensor({{1, 2, 4}})).sum().backward();
  EXPECT_EQ(layer.bias().grad().to_vector(), (Vec{1, 1, 1}));
}

TEST(BatchNorm1d, TrainsWithTheBatchAndEvaluatesWithTheRunningStatistics) {
  nn::BatchNorm1d layer(2);
  const Tensor x = tensor({{1, 10}, {3, 30}, {5, 50}, {7, 70}});  // means 4, 40; variances 5, 500
  const Tensor y = layer(x);
  EXPECT_TRUE(close(y.mean({0}), {0, 0}, 1e-5));
  EXPECT_TRUE(close((y * y).mean({0}), {5 / (5 + 1e-5), 500 / (500 + 1e-5)}));
  // running = 0.9 running + 0.1 new, the variance unbiased: 20/3 and 2000/3.
  EXPECT_TRUE(close(layer.running_mean(), {0.4, 4}));
  EXPECT_TRUE(close(layer.running_var(), {0.9 + 2.0 / 3, 0.9 + 200.0 / 3}));
  EXPECT_EQ(layer.state().find_tensor("num_batches_tracked")->item<std::int64_t>(), 1);
  layer.eval();
  EXPECT_TRUE(close(layer(tensor({{0.4, 4}})), {0, 0}, 0, 1e-6));
  EXPECT_EQ(layer.state().find_tensor("num_batches_tracked")->item<std::int64_t>(), 1);
}

TEST(BatchNorm1d, WithoutMomentumTheStatisticsAreTheMeanOfAllBatches) {
  nn::BatchNorm1d layer(1, {.momentum = std::nullopt});
  for (const double shift : {0.0, 3.0, 6.0}) layer(tensor({{1}, {3}}) * (1 + shift) + shift);
  // Means 2, 11, 20; variances 2, 32, 98.
  EXPECT_TRUE(close(layer.running_mean(), {11}));
  EXPECT_TRUE(close(layer.running_var(), {44}));
  EXPECT_NE(nn::to_string(layer).find("momentum=none"), std::string::npos);
}

TEST(BatchNorm1d, TakesSequencesToo) {
  nn::BatchNorm1d layer(3, {.affine = false});
  const Tensor y = layer(random_normal({4, 3, 5}, 2, 3));
  EXPECT_EQ(y.shape(), (Shape{4, 3, 5}));
  EXPECT_TRUE(close(y.mean({0, 2}), {0, 0, 0}, 0, 1e-5));
  EXPECT_EQ(layer.num_parameters(), 0);
}

TEST(BatchNorm1d, WithoutRunningStatisticsTheBatchCounts) {
  nn::BatchNorm1d layer(1, {.track_running_stats = false});
  layer.eval();
  EXPECT_TRUE(close(layer(tensor({{1}, {3}})), {-1, 1}, 1e-4));
  EXPECT_TRUE(layer.named_buffers().empty());
}

TEST(BatchNorm1d, ACloneHasRunningStatisticsOfItsOwn) {
  nn::BatchNorm1d layer(1);
  nn::BatchNorm1d copy = nn::clone(layer);
  copy(tensor({{1}, {3}}));
  EXPECT_EQ(layer.running_mean().item(), 0);
  EXPECT_NEAR(copy.running_mean().item(), 0.2, 1e-7);
}

TEST(BatchNorm1d, Errors) {
  nn::BatchNorm1d layer(3);
  expect_error<ArgumentError>(
      [&] {
        layer(ones({2, 4}));
      },
      {"x is [2, 4], but BatchNorm1d(3) takes [n, 3] or [n, 3, l]", "normalization_test.cpp"});
  expect_error<ArgumentError>([&] { layer(ones({1, 3})); }, {"[batch_norm]"});
  expect_error<ArgumentError>([] { nn::BatchNorm1d(0); }, {"must be positive"});
  nn::LayerNorm norm({3});
  expect_error<ArgumentError>([&] { norm(ones({2, 4})); }, {"[layer_norm]"});
}

}  // namespace
}  // namespace catena::test
