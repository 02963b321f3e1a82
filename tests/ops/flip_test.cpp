// roll of the flattened tensor, flip of one dimension.
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Ints = std::vector<int>;

TEST(Roll, OfTheFlattenedTensor) {
  const Tensor x = arange(6).reshape({2, 3});
  EXPECT_EQ(roll(x, 1).to_vector<int>(), (Ints{5, 0, 1, 2, 3, 4}));
  EXPECT_EQ(roll(x, 1).shape(), x.shape());
  EXPECT_EQ(roll(x, 1, 1).to_vector<int>(), (Ints{2, 0, 1, 5, 3, 4}));
  EXPECT_EQ(flip(x, {1}).to_vector<int>(), (Ints{2, 1, 0, 5, 4, 3}));
}

}  // namespace
}  // namespace catena::test
