#include "catena/ops/positions.hpp"

#include <cmath>

#include "catena/graph/gradcheck.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

TEST(Positions, Sinusoidal) {
  const Tensor y = sinusoidal_positions(3, 5, 0, kFloat64);
  EXPECT_EQ(y.shape(), (Shape{3, 5}));
  const double slow = std::pow(10000, -2.0 / 5), slower = std::pow(10000, -4.0 / 5);
  EXPECT_TRUE(close(y[2], {std::sin(2), std::cos(2), std::sin(2 * slow), std::cos(2 * slow),
                           std::sin(2 * slower)}));
  EXPECT_TRUE(same_bits(sinusoidal_positions(1, 5, 2, kFloat64)[0], y[2]));
  EXPECT_EQ(sinusoidal_positions(0, 4).shape(), (Shape{0, 4}));
  expect_error<ArgumentError>([] { sinusoidal_positions(-1, 4); },
                              {"[sinusoidal_positions] length -1", "positions_test.cpp"});
}

TEST(Positions, RotaryTurnsPairs) {
  const Tensor x = tensor({{1, 0, 0, 1}, {1, 0, 0, 1}}, kFloat64);
  const double slow = 0.01;
  // Row 1: pair (1, 0) turned by 1, pair (0, 1) by 1 / 100.
  EXPECT_TRUE(close(rotary(x)[0], {1, 0, 0, 1}));
  EXPECT_TRUE(
      close(rotary(x)[1], {std::cos(1), -std::sin(slow), std::sin(1), std::cos(slow)}, 1e-12));
  EXPECT_TRUE(close(rotary(x, {.interleaved = true})[1],
                    {std::cos(1), std::sin(1), -std::sin(slow), std::cos(slow)}, 1e-12));
  EXPECT_TRUE(same_bits(rotary(x, {.first = 5})[1], rotary(x, {.first = 6})[0]));
}

TEST(Positions, RotaryProductsDependOnTheDistance) {
  const Tensor q = randn({1, 6}, kFloat64), k = randn({1, 6}, kFloat64);
  for (const bool interleaved : {false, true}) {
    const auto product = [&](std::int64_t at_q, std::int64_t at_k) {
      return sum(rotary(q, {.first = at_q, .interleaved = interleaved}) *
                 rotary(k, {.first = at_k, .interleaved = interleaved}))
          .item();
    };
    EXPECT_NEAR(product(2, 5), product(102, 105), 1e-12);
    EXPECT_GT(std::abs(product(2, 5) - product(2, 6)), 1e-6);
  }
}

TEST(Positions, RotaryHasGradients) {
  for (const bool interleaved : {false, true}) {
    const Tensor x = randn({2, 3, 4}, kFloat64).set_requires_grad();
    const Function fn = [&](std::span<const Tensor> in) {
      return std::vector<Tensor>{rotary(in[0], {.first = 2, .interleaved = interleaved})};
    };
    const GradcheckResult r = gradcheck(fn, std::span(&x, 1));
    EXPECT_TRUE(r.passed) << r.report;
  }
  expect_error<ArgumentError>(
      [] {
        rotary(ones({2, 3}));
      },
      {"[rotary] x is [2, 3]; expected [.., L, E] with an even E"});
  expect_error<ArgumentError>([] { rotary(tensor({{1, 2}}, kInt64)); }, {"[rotary] x is int64"});
}

}  // namespace
}  // namespace catena::test
