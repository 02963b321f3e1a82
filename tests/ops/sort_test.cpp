// NaN, ties and extremes. Orders are PyTorch's.
#include <algorithm>
#include <limits>

#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Ints = std::vector<int>;

Tensor ints(const std::vector<std::int64_t>& v, const Shape& shape) { return tensor(v, shape); }

TEST(Sort, NanComesLastAndTiesKeepTheirOrder) {
  const double nan = std::numeric_limits<double>::quiet_NaN(),
               inf = std::numeric_limits<double>::infinity();
  const Tensor x = tensor({3.0, nan, -0.0, 0.0, 1.0, inf, nan, -inf});
  EXPECT_EQ(argsort(x).to_vector<int>(), (Ints{7, 2, 3, 4, 0, 5, 1, 6}));
  EXPECT_EQ(argsort(x, -1, true).to_vector<int>(), (Ints{1, 6, 5, 0, 4, 2, 3, 7}));
  EXPECT_EQ(topk(x, 4).indices.to_vector<int>(), (Ints{1, 6, 5, 0}));
  EXPECT_EQ(topk(x, 4, 0, false).indices.to_vector<int>(), (Ints{7, 2, 3, 4}));
  EXPECT_EQ(argsort(x).dtype(), kInt64);
}

TEST(Sort, ExtremesOfIntegers) {
  const std::int64_t low = std::numeric_limits<std::int64_t>::min(),
                     high = std::numeric_limits<std::int64_t>::max();
  std::vector<std::int64_t> v{5, high, -1, low, 0, high, low, -7};
  for (std::int64_t i = 0; i < 92; ++i) v.push_back((i * 7919 % 101 - 50) * (high / 64));
  std::vector<std::int64_t> sorted = v;
  std::sort(sorted.begin(), sorted.end());
  EXPECT_EQ(sort(ints(v, {100})).values.to_vector<std::int64_t>(), sorted);
}

}  // namespace
}  // namespace catena::test
