#include "catena/nn/init.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "catena/graph/random.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

namespace init = nn::init;

TEST(Init, TruncatedNormalStaysInsideWithTheRightMoments) {
  manual_seed(1);
  const auto v = init::trunc_normal_(empty({200, 500}), 1, 2, -1, 2).to_vector();
  EXPECT_GE(*std::ranges::min_element(v), -1);
  EXPECT_LE(*std::ranges::max_element(v), 2);
  // a = -1, b = 0.5: the mean is 1 + 2 (phi(a) - phi(b)) / (Phi(b) - Phi(a)).
  double mean = 0;
  for (const double x : v) mean += x / static_cast<double>(v.size());
  EXPECT_NEAR(mean, 1 + 2 * (0.2419707245 - 0.3520653268) / (0.6914624613 - 0.1586552539), 0.01);
}

TEST(Init, TruncatedNormalFarFromTheMean) {
  manual_seed(1);
  for (const double sign : {1.0, -1.0}) {
    const double low = sign > 0 ? 10 : -12, high = sign > 0 ? 12 : -10;
    const auto v = init::trunc_normal_(empty({100, 100}, kFloat64), 0, 1, low, high).to_vector();
    double mean = 0;
    for (const double x : v) {
      EXPECT_TRUE(x >= low && x <= high) << x;
      mean += sign * x / static_cast<double>(v.size());
    }
    // phi(10) / Q(10), which the bound at 12 does not change.
    EXPECT_NEAR(mean, 10.0980932, 0.005);
  }
  // Beyond what the distribution has in float64.
  for (const double x : init::trunc_normal_(empty({4}), 0, 1, 50, 60).to_vector()) EXPECT_EQ(x, 50);
  const double inf = std::numeric_limits<double>::infinity();
  for (const double x : init::trunc_normal_(empty({100}), 0, 1, -inf, 0).to_vector())
    EXPECT_TRUE(std::isfinite(x) && x <= 0) << x;
}

TEST(Init, OrthogonalHasOrthonormalRowsOrColumns) {
  manual_seed(2);
  const auto expect_identity = [](const Tensor& m, double scale) {
    const std::int64_t n = m.shape()[0];
    const auto v = m.to_vector();
    for (std::int64_t i = 0; i < n; ++i)
      for (std::int64_t j = 0; j < n; ++j)
        EXPECT_NEAR(v[static_cast<std::size_t>(i * n + j)], i == j ? scale : 0, 1e-12);
  };
  const Tensor wide = init::orthogonal_(empty({3, 8}, kFloat64));
  expect_identity(matmul(wide, wide.t()), 1);
  const Tensor tall = init::orthogonal_(empty({8, 3}, kFloat64), 2);
  expect_identity(matmul(tall.t(), tall), 4);
  const Tensor filter = init::orthogonal_(empty({4, 2, 3, 3}, kFloat64)).reshape({4, 18});
  expect_identity(matmul(filter, filter.t()), 1);
}

TEST(Init, Eye) {
  EXPECT_EQ(init::eye_(empty({2, 3})).to_vector(), (std::vector<double>{1, 0, 0, 0, 1, 0}));
}

TEST(Init, GainsAreThoseOfPyTorch) {
  EXPECT_EQ(init::gain("linear"), 1);
  EXPECT_DOUBLE_EQ(init::gain("tanh"), 5.0 / 3);
  EXPECT_DOUBLE_EQ(init::gain("relu"), std::sqrt(2.0));
  EXPECT_DOUBLE_EQ(init::gain("leaky_relu", 0.2), 1.3867504905630728);
}

TEST(Init, Errors) {
  expect_error<ArgumentError>([] { init::gain("rleu"); }, {"[init] no gain is known for 'rleu'",
                                                           "did you mean 'relu'", "leaky_relu"});
  expect_error<ArgumentError>([] { init::orthogonal_(empty({3})); }, {"at least two dimensions"});
  expect_error<ArgumentError>([] { init::trunc_normal_(empty({3}), 0, 1, 2, -2); },
                              {"expected stddev > 0 and low < high"});
  expect_error<ArgumentError>([] { init::eye_(empty({3})); }, {"expected two dimensions"});
}

}  // namespace
}  // namespace catena::test
