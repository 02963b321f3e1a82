// The dtype of one_hot.
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

Tensor ints(const std::vector<std::int64_t>& v, const Shape& shape) { return tensor(v, shape); }

TEST(OneHot, IsInt64UnlessTold) {
  EXPECT_EQ(one_hot(ints({1}, {1}), 3).dtype(), kInt64);
  EXPECT_TRUE(close(one_hot(ints({1}, {1}), 3, kFloat32), {0, 1, 0}));
}

}  // namespace
}  // namespace catena::test
