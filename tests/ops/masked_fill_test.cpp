// where with a mask and a number.
#include "catena/graph/autograd.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

Tensor ints(const std::vector<std::int64_t>& v, const Shape& shape) { return tensor(v, shape); }

TEST(MaskedFill, KeepsShapeAndDtype) {
  Tensor x = tensor({{1, 2}, {3, 4}}).set_requires_grad();
  const Tensor y = masked_fill(x, x.detach() > 2.5, -1);
  EXPECT_TRUE(close(y, {1, 2, -1, -1}));
  sum(y).backward();
  EXPECT_TRUE(close(x.grad(), {1, 1, 0, 0}));
  const Tensor row = tensor({1, 0}, kBool), whole = ints({1, 2}, {2});
  EXPECT_TRUE(close(masked_fill(x.detach(), row, 9), {9, 2, 9, 4}));
  EXPECT_EQ(masked_fill(whole, row, 5).dtype(), kInt64);
  expect_error<ArgumentError>(
      [&] {
        masked_fill(whole, zeros({2, 2}, kBool), 0);
      },
      {"[masked_fill] mask [2, 2] does not broadcast to x [2]"});
  expect_error<ArgumentError>([&] { masked_fill(whole, whole, 0); },
                              {"[masked_fill] mask has dtype int64; expected bool"});
  expect_error<ArgumentError>([&] { masked_fill(whole, row, 0.5); },
                              {"[masked_fill] value 0.5 for x of dtype int64"});
}

}  // namespace
}  // namespace catena::test
