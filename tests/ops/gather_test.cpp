// What the public functions add to gather and scatter. Numbers are PyTorch's.
#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

Tensor ints(const std::vector<std::int64_t>& v, const Shape& shape) { return tensor(v, shape); }

TEST(Scatter, TakesAValueAndALargerSource) {
  const Tensor x = zeros({2, 3}), index = ints({2, 0}, {2, 1});
  EXPECT_TRUE(close(scatter(x, 1, index, 7), {0, 0, 7, 7, 0, 0}));
  const Tensor src = tensor({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}});
  EXPECT_TRUE(close(scatter(x, 1, index, src), {0, 0, 1, 4, 0, 0}));
  Tensor wide = tensor({{1, 2, 3}, {4, 5, 6}, {7, 8, 9}}).set_requires_grad();
  sum(scatter_add(x, 1, index, wide)).backward();
  EXPECT_TRUE(close(wide.grad(), {1, 0, 0, 1, 0, 0, 0, 0, 0}));
  expect_error<ArgumentError>(
      [&] {
        scatter(ints({1, 2}, {2}), 0, ints({0}, {1}), 0.5);
      },
      {"[scatter] value 0.5 for x of dtype int64; expected an integer", "gather_test.cpp"});
}

TEST(TakeAlongDim, BroadcastsAndFitsArgsort) {
  const Tensor x = tensor({{3, 1, 2}, {4, 6, 5}});
  EXPECT_TRUE(close(take_along_dim(x, argsort(x), 1), {1, 2, 3, 4, 5, 6}));
  EXPECT_TRUE(close(take_along_dim(x, argmax(x, 1, true), 1), {3, 6}));
  EXPECT_TRUE(close(take_along_dim(x, ints({-1, 0}, {1, 2}), 1), {2, 3, 5, 4}));
  EXPECT_TRUE(close(take_along_dim(x, ints({5, 0}, {2})), {5, 3}));
  expect_error<ArgumentError>(
      [&] {
        take_along_dim(x, ints({0, 0, 0}, {3, 1}), 1);
      },
      {"[take_along_dim] x [2, 3] and index [3, 1] do not broadcast"});
  expect_error<ArgumentError>([&] { take_along_dim(x, ints({0}, {1}), 1); },
                              {"expected equal numbers of dimensions"});
}

}  // namespace
}  // namespace catena::test
