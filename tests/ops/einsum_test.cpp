// What einsum does without a copy, and the line in its errors.
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Ints = std::vector<int>;

TEST(Einsum, DiagonalsAndTransposesAreViews) {
  const Tensor x = arange(9).reshape({3, 3});
  EXPECT_EQ(einsum("ii->i", {x}).to_vector<int>(), (Ints{0, 4, 8}));
  EXPECT_TRUE(einsum("ii->i", {x}).shares_storage(x));
  EXPECT_TRUE(einsum("ij->ji", {x}).shares_storage(x));
  EXPECT_EQ(einsum("ij,j", {x, arange(3)}).dtype(), kInt64);
  expect_error<ArgumentError>([&] { einsum("ij->k", {x}); },
                              {"[einsum] \"ij->k\": letter 'k' at position 4", "einsum_test.cpp"});
}

}  // namespace
}  // namespace catena::test
