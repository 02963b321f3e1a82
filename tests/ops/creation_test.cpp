// Ranges: dtypes, counts, traces.
#include "catena/graph/trace.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using Ints = std::vector<int>;

TEST(Creation, DtypesAndCounts) {
  EXPECT_EQ(arange(5).dtype(), kInt64);
  EXPECT_EQ(arange(5.0).dtype(), kFloat32);
  EXPECT_EQ(arange(5, TensorOptions(kFloat64)).dtype(), kFloat64);
  EXPECT_EQ(arange(0, 1, 0.1).numel(), 10);
  EXPECT_EQ(arange(2, 9, 3).to_vector<int>(), (Ints{2, 5, 8}));
  EXPECT_EQ(arange(3, -1, -2).to_vector<int>(), (Ints{3, 1}));
  EXPECT_EQ(arange(3, 3).numel(), 0);
  EXPECT_TRUE(close(linspace(0, 1, 5), {0, 0.25, 0.5, 0.75, 1}));
  EXPECT_EQ(eye(2, 3).to_vector<int>(), (Ints{1, 0, 0, 0, 1, 0}));
  EXPECT_EQ(eye(2, {}, kInt32).dtype(), kInt32);
  const Tensor like = zeros({2, 2}, kFloat64);
  EXPECT_EQ(full_like(like, 3).dtype(), kFloat64);
  EXPECT_TRUE(close(full_like(like, 3), {3, 3, 3, 3}));
  EXPECT_EQ(rand_like(like).dtype(), kFloat64);
  EXPECT_EQ(randn_like(like).shape(), like.shape());
  expect_error<ArgumentError>([] { arange(0, 5, -1); },
                              {"[arange] start 0, end 5, step -1; expected finite numbers and a "
                               "step that is not 0 and leads from start to end",
                               "creation_test.cpp"});
  expect_error<ArgumentError>([] { arange(0, 5, 0); }, {"[arange] start 0, end 5, step 0"});
  expect_error<ArgumentError>([] { arange(0, 5, 0.5, TensorOptions(kInt64)); },
                              {"expected whole numbers"});
  // Attributes are float64; counts are not.
  constexpr std::int64_t exact = std::int64_t{1} << 53;
  EXPECT_EQ(arange(exact - 1, exact + 2).numel(), 3);
  EXPECT_EQ(arange(-exact, exact, exact - 1).numel(), 3);
  EXPECT_EQ(arange(exact + 2, exact + 3).item<std::int64_t>(), exact + 2);
  expect_error<ArgumentError>(
      [] { arange(exact + 1, exact + 4); },
      {"[arange] start 9007199254740993, step 1 for dtype int64; expected numbers that float64 has "
       "exactly",
       "creation_test.cpp:"});
  expect_error<ArgumentError>([] { arange(0, INT64_MAX, INT64_MAX); },
                              {"step 9223372036854775807"});
}

TEST(Creation, RangesFollowTheAxesOfATrace) {
  // The positions of a sequence grow with it.
  TraceOptions options;
  options.dynamic_axes = {{0, 0, "time"}};
  const Graph g = trace(
      [](const Tensor& x) {
        return x + arange(x.size(0), TensorOptions(kFloat32)).reshape({x.size(0), 1});
      },
      zeros({3, 2}), options);
  EXPECT_TRUE(close(g.run(std::vector<Tensor>{zeros({2, 2})})[0], {0, 0, 1, 1}));
}

}  // namespace
}  // namespace catena::test
