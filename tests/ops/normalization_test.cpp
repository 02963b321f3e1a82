// What samples of single calls do not show of the normalisations. Numbers are PyTorch's.
#include <cmath>

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

struct Batch {
  Tensor x = tensor({{{1, 2}, {3, -1}}, {{0.5, 4}, {2, 2.5}}, {{-3, 1}, {0, 1.5}}});
  Tensor weight = tensor({1.5, -0.5}), bias = tensor({0.25, 1});
  Tensor mean = tensor({0.5, -1}), var = tensor({2, 1});
  Tensor cotangent = tensor({{{0, 1}, {2, 3}}, {{4, 5}, {6, 7}}, {{8, 9}, {10, 11}}});
  Batch() {
    for (Tensor* t : {&x, &weight, &bias}) t->set_requires_grad();
  }
};

TEST(Normalization, BatchNormInTraining) {
  Batch b;
  const Tensor y = batch_norm(b.x, b.mean, b.var, b.weight, b.bias, true, 0.2, 1e-3);
  EXPECT_TRUE(close(y, {0.3098021, 1.027427, 0.4067596, 1.8305366, -0.0490104, 2.4626765, 0.7627038,
                        0.5847317, -2.5606973, 0.3098021, 1.4745923, 0.940676}));
  EXPECT_TRUE(close(b.mean, {0.5833334, -0.5333333}));
  EXPECT_TRUE(close(b.var, {2.6483333, 1.2733334}));
  y.backward(b.cotangent);
  EXPECT_TRUE(close(b.x.grad(),
                    {-3.1933818, -2.0445962, 1.4514263, 1.4562569, -0.5384628, 1.6882249, 0.117843,
                     -0.2831981, 0.8229738, 3.2652419, -1.1255466, -1.6167814},
                    1e-5, 1e-5));
  EXPECT_TRUE(close(b.weight.grad(), {-7.5350618, -2.1356671}));
  EXPECT_TRUE(close(b.bias.grad(), {27, 39}));
}

TEST(Normalization, BatchNormInEvaluation) {
  Batch b;
  const Tensor y = batch_norm(b.x, b.mean, b.var, b.weight, b.bias, false, 0.2, 1e-3);
  EXPECT_TRUE(close(b.mean, {0.5, -1}, 0, 0));
  // The same of running statistics that training has moved.
  Batch moved;
  moved.mean = tensor({0.5833334, -0.5333333});
  moved.var = tensor({2.6483333, 1.2733334});
  const Tensor z =
      batch_norm(moved.x, moved.mean, moved.var, moved.weight, moved.bias, false, 0.2, 1e-3);
  EXPECT_TRUE(close(z, {0.6339827, 1.5555413, -0.5649954, 1.2066975, 0.1732034, 3.3986585,
                        -0.1220722, -0.3435338, -3.0522518, 0.6339827, 0.7637743, 0.0993894}));
  z.backward(moved.cotangent);
  EXPECT_TRUE(
      close(moved.x.grad(), {0, 0.9215586, -0.8858465, -1.3287697, 3.6862345, 4.6077933, -2.6575394,
                             -3.1004627, 7.3724689, 8.2940273, -4.4292326, -4.8721557}));
  EXPECT_TRUE(close(moved.weight.grad(), {-4.147016, 61.8320885}, 1e-5, 1e-5));
  EXPECT_TRUE(close(moved.bias.grad(), {27, 39}));
}

TEST(Normalization, BatchNormWithoutRunningStatistics) {
  Batch b;
  const Tensor y = batch_norm(b.x, {}, {}, {}, {}, true);
  EXPECT_TRUE(close(mean(y, {0, 2}), {0, 0}, 0, 1e-6));
  EXPECT_TRUE(close(var(y, {0, 2}, false, 0), {1, 1}, 1e-4));
  // A bias alone.
  EXPECT_TRUE(close(mean(batch_norm(b.x, {}, {}, {}, b.bias, true), {0, 2}), {0.25, 1}, 0, 1e-6));
}

TEST(Normalization, LayerNormWithItsGradients) {
  Tensor x = tensor({{1, 2, 4}, {0, -1, 3}}).set_requires_grad();
  Tensor weight = tensor({1, 2, 0.5}).set_requires_grad(), bias = tensor({0, 1, -1});
  bias.set_requires_grad();
  const Tensor y = layer_norm(x, {3}, weight, bias, 1e-3);
  EXPECT_TRUE(close(y, {-1.0687014, 0.4656494, -0.3320615, -0.3921644, -0.9608219, -0.3137123}));
  y.backward(tensor({{1, 2, 3}, {4, 5, 6}}));
  EXPECT_TRUE(close(x.grad(), {-0.9732572, 1.4599288, -0.4866717, -1.5382979, 1.154351, 0.3839467},
                    1e-5, 1e-5));
  EXPECT_TRUE(close(weight.grad(), {-2.6373591, -5.4364052, 12.243084}, 1e-5, 1e-5));
  EXPECT_TRUE(close(bias.grad(), {5, 7, 9}));
}

// The variance is that of deviations, not a difference of large squares.
TEST(Normalization, FarFromZero) {
  std::vector<double> v(256);
  for (std::size_t i = 0; i < v.size(); ++i) v[i] = 10000 + static_cast<double>(i % 2);
  const Tensor y = layer_norm(tensor(v, {1, 256}, kFloat32), {256});
  for (std::size_t i = 0; i < v.size(); ++i) EXPECT_NEAR(y.to_vector()[i], i % 2 ? 1 : -1, 1e-3);
}

TEST(Normalization, ErrorsNameTheLineOfTheCaller) {
  const Tensor x = ones({4, 3});
  expect_error<ArgumentError>(
      [&] { layer_norm(x, {4}); },
      {"[layer_norm] x has shape [4, 3] but normalized_shape is [4]", "normalization_test.cpp:"});
  expect_error<ArgumentError>([&] { batch_norm(x, zeros({4}), ones({3})); },
                              {"[batch_norm] running_mean has shape [4]; expected [3] for x [4, 3]",
                               "normalization_test.cpp:"});
  expect_error<ArgumentError>([&] { batch_norm(x, zeros({3}), zeros({3}, kFloat64)); },
                              {"[batch_norm] running_var is float64 but x is float32"});
  expect_error<ArgumentError>(
      [&] { batch_norm(x, zeros({3}), {}); },
      {"[batch_norm] no running_mean or running_var to use in evaluation; expected both",
       "normalization_test.cpp:"});
  // In evaluation as in training.
  for (const bool training : {false, true}) {
    const auto run = [&](const Tensor& weight, const Tensor& bias) {
      batch_norm(x, zeros({3}), ones({3}), weight, bias, training);
    };
    expect_error<ArgumentError>([&] { run(ones({1}), {}); },
                                {"[batch_norm] weight has shape [1]; expected [3] for x [4, 3]",
                                 "normalization_test.cpp:"});
    expect_error<ArgumentError>([&] { run(ones({2, 3}), {}); }, {"weight has shape [2, 3]"});
    expect_error<ArgumentError>([&] { run({}, ones({3}, kFloat64)); },
                                {"[batch_norm] bias is float64 but x is float32"});
  }
  expect_error<ArgumentError>([&] { batch_norm(ones({3}), zeros({3}), {}); },
                              {"[batch_norm] x has shape [3]; expected [N, C] or [N, C, ...]"});
  expect_error<ArgumentError>(
      [&] {
        batch_norm(ones({1, 3}), {}, {}, {}, {}, true);
      },
      {"[batch_norm] x has shape [1, 3], one value per feature", "normalization_test.cpp:"});
}

}  // namespace
}  // namespace catena::test
