// What samples of single calls do not show of the statistics. Numbers are PyTorch's, but for the
// gradient of logsumexp at -inf, which is NaN there.
#include <cmath>
#include <limits>

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

TEST(Statistics, NormsHaveTheGradientZeroAtZero) {
  const auto gradient = [](double p) {
    Tensor x = tensor({{0, 0}, {3, 0}, {3, -3}, {1, -2}}, kFloat64).set_requires_grad();
    sum(norm(x, p, {1})).backward();
    return x.grad();
  };
  EXPECT_TRUE(close(gradient(0), {0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_TRUE(close(gradient(1), {0, 0, 1, 0, 1, -1, 1, -1}));
  EXPECT_TRUE(close(gradient(2), {0, 0, 1, 0, 0.70710678, -0.70710678, 0.44721359, -0.89442719}));
  EXPECT_TRUE(close(gradient(3), {0, 0, 1, 0, 0.62996054, -0.62996054, 0.23112042, -0.92448170}));
  EXPECT_TRUE(close(gradient(1.5), {0, 0, 1, 0, 0.79370052, -0.79370052, 0.63923401, -0.90401340}));
  EXPECT_TRUE(close(gradient(0.5), {0, 0, 1, 0, 2, -2, 2.41421356, -1.70710678}));
  EXPECT_TRUE(close(gradient(kInf), {0, 0, 1, 0, 0.5, -0.5, 0, -1}));
  EXPECT_TRUE(close(gradient(-kInf), {0, 0, 0, 0, 0.5, -0.5, 1, 0}));
}

TEST(Statistics, SecondDerivativeOfANormAtZeroIsFinite) {
  Tensor x = tensor({{0, 0}, {3, 4}}, kFloat64).set_requires_grad();
  const Tensor g =
      grad(sum(norm(x, 2, {1})), std::span<const Tensor>(&x, 1), {.create_graph = true})[0];
  EXPECT_TRUE(close(grad(sum(g), x), {0, 0, 0.032, -0.024}));
}

TEST(Statistics, EqualEntriesHaveNoDeviationAndNoGradient) {
  Tensor x = ones({3}).set_requires_grad();
  const Tensor y = stddev(x);
  EXPECT_EQ(y.item(), 0);
  y.backward();
  EXPECT_TRUE(close(x.grad(), {0, 0, 0}, 0, 0));
}

TEST(Statistics, TooFewEntriesHaveNoVariance) {
  EXPECT_TRUE(std::isnan(var(tensor(5)).item()));
  EXPECT_TRUE(std::isnan(var(ones({2}), {}, false, 2).item()));
  EXPECT_EQ(var(tensor({1, 2}), {}, false, 2).item(), kInf);
  EXPECT_EQ(var(tensor({1, 2}), {}, false, 3).item(), kInf);
  EXPECT_EQ(var(tensor(5), {}, false, 0).item(), 0);
}

TEST(Statistics, LogSumExpOfMinusInfinities) {
  Tensor x = tensor({{-kInf, -kInf}, {-kInf, 1}}).set_requires_grad();
  const Tensor y = logsumexp(x, {1});
  EXPECT_TRUE(close(y, {-kInf, 1}));
  sum(y).backward();
  EXPECT_TRUE(close(x.grad(), {0, 0, 0, 1}, 0, 0));
}

TEST(Statistics, LargestSizeOfNoRows) {
  EXPECT_EQ(norm(zeros({0, 3}), kInf, {1}).shape(), (Shape{0}));
  EXPECT_EQ(norm(zeros({0, 3}), -kInf, {-1}, true).shape(), (Shape{0, 1}));
  expect_error<ArgumentError>(
      [] {
        norm(zeros({0, 3}), kInf, {0});
      },
      {"[norm] x has shape [0, 3] and the largest size of no entries"});
  expect_error<ArgumentError>([] { norm(zeros({0, 3}), -kInf); }, {"the smallest size"});
}

TEST(Statistics, ErrorsNameTheLineOfTheCaller) {
  expect_error<ArgumentError>(
      [] {
        norm(tensor({1, 2}, kInt32));
      },
      {"[norm] x is int32; expected float32 or float64", "statistics_test.cpp:"});
  expect_error<ArgumentError>(
      [] {
        var(tensor({1, 2}, kInt32));
      },
      {"[var] x is int32", "statistics_test.cpp:"});
}

}  // namespace
}  // namespace catena::test
