#include "catena/nn/normalization.hpp"

#include <cmath>
#include <optional>

#include "catena/graph/autograd.hpp"
#include "catena/nn/clone.hpp"
#include "catena/nn/group_norm.hpp"
#include "catena/ops/all.hpp"
#include "nn/normalization_reference.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Vec = std::vector<double>;

Tensor filled(const Shape& shape, double (*f)(std::int64_t)) {
  std::vector<double> v(static_cast<std::size_t>(shape.numel()));
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = f(static_cast<std::int64_t>(i));
  return tensor(v, shape, kFloat64);
}
double input(std::int64_t i) {
  return std::sin(1 + static_cast<double>(i)) * static_cast<double>(1 + i % 3);
}
double cotangent(std::int64_t i) { return std::cos(2 + static_cast<double>(i)); }
double weight(std::int64_t i) { return 1 + std::cos(static_cast<double>(i)) / 2; }
double bias(std::int64_t i) { return std::sin(static_cast<double>(i)) / 2; }

void check_layer(nn::Module& layer, const LayerCase& c) {
  SCOPED_TRACE(c.name);
  layer.to(kFloat64);
  for (auto& [name, tensor] : layer.named_parameters()) {
    const NoGrad off;
    tensor.copy_(filled(tensor.shape(), name == "bias" ? bias : weight));
  }
  Tensor x = filled(c.shape, input).set_requires_grad();
  const Tensor y = layer(x);
  EXPECT_TRUE(close(y, c.y, 1e-12, 1e-13));
  y.backward(filled(y.shape(), cotangent));
  EXPECT_TRUE(close(x.grad(), c.dx, 1e-10, 1e-12));
  const std::vector<Tensor> parameters = layer.parameters();
  ASSERT_EQ(parameters.size(), c.gradients.size());
  for (std::size_t i = 0; i < parameters.size(); ++i)
    EXPECT_TRUE(close(parameters[i].grad(), c.gradients[i], 1e-11, 1e-12)) << i;
  layer(x.detach() * 2 + 1);
  std::size_t running = 0;
  for (const auto& [name, tensor] : layer.named_buffers()) {
    if (!name.starts_with("running")) continue;
    ASSERT_LT(running, c.buffers.size());
    EXPECT_TRUE(close(tensor, c.buffers[running++], 1e-12, 1e-13)) << name;
  }
  EXPECT_EQ(running, c.buffers.size());
  layer.eval();
  EXPECT_TRUE(close(layer(x), c.evaluated, 1e-12, 1e-13));
}

TEST(Normalization, LayersEqualPyTorchs) {
  std::size_t at = 0;
  const auto check = [&](const char* name, auto layer) {
    ASSERT_LT(at, kNormalizationCases.size());
    ASSERT_EQ(kNormalizationCases[at].name, name);
    check_layer(layer, kNormalizationCases[at++]);
  };
  check("BatchNorm1d", nn::BatchNorm1d(3));
  check("BatchNorm1dLines", nn::BatchNorm1d(2, {.eps = 1e-3, .momentum = std::nullopt}));
  check("BatchNorm2d", nn::BatchNorm2d(2, {.momentum = 0.3}));
  check("BatchNorm2dPlain", nn::BatchNorm2d(2, {.affine = false, .track_running_stats = false}));
  check("BatchNorm3d", nn::BatchNorm3d(2));
  check("GroupNorm", nn::GroupNorm(2, 4));
  check("GroupNormVectors", nn::GroupNorm(2, 6, 1e-2));
  check("InstanceNorm1d", nn::InstanceNorm1d(2, {.affine = true}));
  check("InstanceNorm1dOne", nn::InstanceNorm1d(2, {.affine = true}));
  check("InstanceNorm2d", nn::InstanceNorm2d(2, {.affine = true, .track_running_stats = true}));
  check("InstanceNorm3d", nn::InstanceNorm3d(2, {.momentum = 0.4, .track_running_stats = true}));
  check("RMSNorm", nn::RMSNorm({2, 3}));
  check("RMSNormEps", nn::RMSNorm({3}, 0.1, false));
  check("LayerNorm", nn::LayerNorm({2, 3}));
  check("LocalResponseNorm", nn::LocalResponseNorm(3, 0.5, 0.75, 2));
  check("LocalResponseNormEven", nn::LocalResponseNorm(4, 0.5, 0.5));
  EXPECT_EQ(at, kNormalizationCases.size());
}

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
  nn::BatchNorm2d images(3);
  expect_error<ArgumentError>(
      [&] {
        images(ones({2, 3, 4}));
      },
      {"x is [2, 3, 4], but BatchNorm2d(3) takes [n, 3, h, w]"});
  nn::BatchNorm3d volumes(3);
  expect_error<ArgumentError>(
      [&] {
        volumes(ones({2, 3, 4, 5}));
      },
      {"but BatchNorm3d(3) takes [n, 3, d, h, w]"});
  nn::LayerNorm norm({3});
  expect_error<ArgumentError>([&] { norm(ones({2, 4})); }, {"[layer_norm]"});
}

TEST(GroupNorm, Errors) {
  expect_error<ArgumentError>([] { nn::GroupNorm(3, 4); },
                              {"[group_norm] GroupNorm(3, 4): the number of groups must be a "
                               "positive divisor of the number of channels"});
  nn::GroupNorm layer(2, 4);
  expect_error<ArgumentError>(
      [&] {
        layer(ones({2, 6, 3}));
      },
      {"x is [2, 6, 3], but GroupNorm(2, 4) takes [n, 4, ..]"});
}

TEST(InstanceNorm, StateHoldsPyTorchsNames) {
  nn::InstanceNorm2d layer(2, {.affine = true, .track_running_stats = true});
  nn::InstanceNorm2d copy = nn::clone(layer);
  copy(random_normal({2, 2, 3, 3}) + 5);
  EXPECT_EQ(layer.running_mean().to_vector(), (Vec{0, 0}));
  EXPECT_NE(copy.running_mean().to_vector(), (Vec{0, 0}));
  layer.load_state(copy.state());
  EXPECT_TRUE(same_bits(layer.running_mean(), copy.running_mean()));
  EXPECT_TRUE(layer.state().find_tensor("num_batches_tracked"));
}

TEST(InstanceNorm, Errors) {
  nn::InstanceNorm1d layer(2);
  expect_error<ArgumentError>(
      [&] {
        layer(ones({2, 2, 3, 3}));
      },
      {"[instance_norm] x is [2, 2, 3, 3], but InstanceNorm1d(2) takes "
       "[n, 2, l] or [2, l]",
       "normalization_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        layer(ones({2, 2, 1}));
      },
      {"[instance_norm] x has shape [2, 2, 1], one value per channel"});
  expect_error<ArgumentError>([] { nn::InstanceNorm3d(0); }, {"must be positive"});
  expect_error<ArgumentError>(
      [] {
        instance_norm(ones({2, 3, 4}), {}, {}, {}, {}, false);
      },
      {"[instance_norm] no running_mean or running_var to use; expected both"});
  expect_error<ArgumentError>(
      [] {
        instance_norm(ones({2, 3, 4}), zeros({4}));
      },
      {"[instance_norm] running_mean has shape [4]; expected [3]"});
}

}  // namespace
}  // namespace catena::test
