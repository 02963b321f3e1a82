// What samples of single calls do not show of the reductions.
#include <limits>

#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

TEST(Reduction, TiesShareTheGradient) {
  Tensor x = tensor({{1, 3, 3}, {2, 2, 2}}).set_requires_grad();
  max(x, {1}).backward(tensor({1, 3}));
  EXPECT_TRUE(close(x.grad(), {0, 0.5, 0.5, 1, 1, 1}));
}

TEST(Reduction, TiesOfTheSmallestShareTheGradient) {
  Tensor x = tensor({{1, 1, 3}, {2, 2, 2}}).set_requires_grad();
  min(x, {1}).backward(tensor({1, 3}));
  EXPECT_TRUE(close(x.grad(), {0.5, 0.5, 0, 1, 1, 1}));
}

// Both orders, as PyTorch has them.
TEST(Reduction, ProductsWithZerosHaveTheirGradient) {
  Tensor x = tensor({{1.5, 0, -2}, {0, 0, 3}}).set_requires_grad();
  const std::vector<Tensor> in{x};
  const Tensor g = grad(sum(prod(x, {1})), in, {.create_graph = true})[0];
  EXPECT_TRUE(close(g, {0, -3, 0, 0, 0, 0}));
  const Tensor weights = tensor({{1, 2, 3}, {4, 5, 6}});
  EXPECT_TRUE(close(grad(sum(g * weights), x), {-4, 2.5, 3, 15, 12, 0}));
}

TEST(Reduction, ProductsOfIntegersAndBoolsAreInt64) {
  EXPECT_EQ(prod(full({40}, 2, kUInt8)).item<std::int64_t>(), std::int64_t{1} << 40);
  EXPECT_EQ(prod(tensor({1, 1}, kBool)).dtype(), kInt64);
  EXPECT_EQ(prod(full({64}, 2, kInt32)).item<std::int64_t>(), 0);  // wraps, like NumPy
}

TEST(Reduction, AnyAndAllAreBool) {
  const Tensor x = tensor({{0, 2}, {0, 0}}, kInt32);
  EXPECT_EQ(any(x).dtype(), kBool);
  EXPECT_TRUE(close(any(x, {1}), {1, 0}));
  EXPECT_TRUE(close(all(x, {0}, true), {0, 0}));
  EXPECT_FALSE(any(ones({3}).set_requires_grad()).requires_grad());
}

TEST(Reduction, ArgminWithoutDimensionIsOfTheFlattened) {
  const Tensor x = tensor({{4, 7, 3}, {1, 7, 1}});
  EXPECT_EQ(argmin(x).item<std::int64_t>(), 3);
  EXPECT_EQ(argmin(x, {}, true).shape(), Shape({1, 1}));
}

TEST(Reduction, ArgmaxWithoutDimensionIsOfTheFlattened) {
  const Tensor x = tensor({{1, 7, 3}, {4, 7, 2}});
  EXPECT_EQ(argmax(x).item<std::int64_t>(), 1);
  EXPECT_EQ(argmax(transpose(x, 0, 1)).item<std::int64_t>(), 2);
  EXPECT_EQ(argmax(x, {}, true).shape(), Shape({1, 1}));
  EXPECT_EQ(x.argmax(1, true).shape(), Shape({2, 1}));
}

TEST(Reduction, MethodsAreTheFunctions) {
  const Tensor x = tensor({{1, 2}, {3, 5}});
  EXPECT_TRUE(close(x.sum({0}), {4, 7}));
  EXPECT_TRUE(close(x.mean({1}, true), {1.5, 4}));
  EXPECT_EQ(x.max().item(), 5);
  expect_error<ArgumentError>([&] { x.sum({2}); }, {"[sum] dim", "reduction_test.cpp:"});
  expect_error<ArgumentError>(
      [&] {
        (void)mean(tensor({1, 2}, kInt32));
      },
      {"[mean] x is int32", "reduction_test.cpp:"});
}

TEST(Reduction, SumToUndoesBroadcasting) {
  const Tensor x = ones({2, 3, 4});
  EXPECT_EQ(sum_to(x, {2, 3, 4}).shape(), x.shape());
  EXPECT_TRUE(close(sum_to(x, {3, 1}), {8, 8, 8}));
  EXPECT_EQ(sum_to(x, {3, 1}).shape(), Shape({3, 1}));
  EXPECT_TRUE(close(sum_to(x, {4}), {6, 6, 6, 6}));
  EXPECT_TRUE(close(sum_to(x, {2, 1, 1}), {12, 12}));
  EXPECT_EQ(sum_to(x, {}).item(), 24);
  expect_error<ArgumentError>([&] { sum_to(x, {5}); },
                              {"[sum_to] x has shape [2, 3, 4], which [5] does not broadcast to"});
  expect_error<ArgumentError>([&] { sum_to(ones({3}), {2, 3}); }, {"[sum_to] x has shape [3]"});
}

TEST(Reduction, BackwardOfASumCopiesNothing) {
  const Tensor x = ones({300, 200}).set_requires_grad();
  for (const Tensor& y : {sum(x), mean(x), sum(sum(x, {1})), sum(mean(x, {0}, true))}) {
    const Tensor g = grad(y, x);
    EXPECT_EQ(g.shape(), x.shape());
    EXPECT_FALSE(g.is_contiguous());
  }
}

// A plain float32 loop is off by 1e-2 here.
TEST(Reduction, LongFloat32SumsAreAccurate) {
  const std::int64_t n = 1 << 22;
  const double each = 0.1f;
  const Tensor x = full({n}, 0.1);
  EXPECT_NEAR(sum(x).item() / (each * n), 1, 1e-6);
  EXPECT_NEAR(mean(x).item() / each, 1, 1e-6);
  const Tensor rows = sum(reshape(x, {n / 4, 4}), {0});
  const Tensor wide = sum(reshape(x, {n / 1024, 1024}), {0});
  for (double v : rows.to_vector()) EXPECT_NEAR(v / (each * (n / 4)), 1, 1e-6);
  for (double v : wide.to_vector()) EXPECT_NEAR(v / (each * (n / 1024)), 1, 1e-6);
}

TEST(Reduction, IntegersSumIn64Bits) {
  const Tensor x = full({3}, 2000000000, kInt32);
  EXPECT_EQ(sum(x).dtype(), kInt64);
  EXPECT_EQ(sum(x).item<std::int64_t>(), 6000000000);
  EXPECT_EQ(sum(full({300}, 255, kUInt8)).item<std::int64_t>(), 76500);
  EXPECT_EQ(sum(full({70, 300}, true, kBool), {0}).to_vector<std::int64_t>(),
            std::vector<std::int64_t>(300, 70));
  // Wraps, like NumPy.
  const std::int64_t largest = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(sum(tensor(std::vector<std::int64_t>{largest, 1}, {2})).item<std::int64_t>(),
            std::numeric_limits<std::int64_t>::min());
}

}  // namespace
}  // namespace catena::test
