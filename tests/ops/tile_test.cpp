// tile as repeat.
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Ints = std::vector<int>;

TEST(Tile, AndRepeat) {
  const Tensor x = arange(2);
  EXPECT_EQ(repeat(x, {2, 2}).to_vector<int>(), (Ints{0, 1, 0, 1, 0, 1, 0, 1}));
  EXPECT_TRUE(repeat(x.reshape({2, 1}), {1, 3}).is_contiguous());
  expect_error<ArgumentError>(
      [] { tile(zeros({3}), {6148914691236517206}); },
      {"[tile] repeats [6148914691236517206] for x [3]: too many entries", "tile_test.cpp:"});
  // A copy, also of what is repeated once.
  Tensor once = tile(x, {1});
  once.fill_(9);
  EXPECT_EQ(x.to_vector<int>(), (Ints{0, 1}));
  expect_error<ArgumentError>(
      [&] {
        repeat(zeros({2, 2}), {2});
      },
      {"[repeat] repeats [2] for x [2, 2]; expected a number for every "
       "dimension"});
}

}  // namespace
}  // namespace catena::test
