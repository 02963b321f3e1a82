// The generator, and what distributions and masks look like.
#include <cmath>

#include "catena/backends/cpu/parallel.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/graph/philox.hpp"
#include "catena/graph/random.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

TEST(Philox, KnownAnswers) {
  // From the reference implementation's kat_vectors, philox4x32 with 10 rounds.
  const Philox4 zero = philox(0, 0);
  EXPECT_EQ(zero.v[0], 0x6627e8d5u);
  EXPECT_EQ(zero.v[1], 0xe169c58du);
  EXPECT_EQ(zero.v[2], 0xbc57ac4cu);
  EXPECT_EQ(zero.v[3], 0x9b00dbd8u);
}

TEST(Random, SeedsRepeatAndCallsFollowEachOther) {
  manual_seed(7);
  const Tensor a = rand({5}), b = rand({5});
  EXPECT_EQ(random_state(), (PhiloxState{7, 10}));
  manual_seed(7);
  EXPECT_EQ(rand({10}).to_vector(), concat({a, b}).to_vector());
  manual_seed(8);
  EXPECT_NE(rand({5}).to_vector(), a.to_vector());
  set_random_state({7, 5});
  EXPECT_EQ(rand({5}).to_vector(), b.to_vector());
}

TEST(Random, AnyOffsetGivesTheNumbersOfTheStream) {
  for (const std::uint64_t offset : {0, 1, 2, 3, 4, 4095, 1 << 20}) {
    // The last one crosses from the lower to the upper half of the counter.
    for (const std::uint64_t base : {std::uint64_t{0}, (std::uint64_t{1} << 34) - 40}) {
      set_random_state({99, base + offset});
      const std::vector<float> x = rand({5000}).to_vector<float>();
      for (std::size_t i = 0; i < x.size(); i += 61)
        ASSERT_EQ(x[i], unit_float(philox_number(99, base + offset + i))) << offset << " " << i;
      for (std::size_t i = 0; i < 170; ++i)
        ASSERT_EQ(x[i], unit_float(philox_number(99, base + offset + i))) << offset << " " << i;
    }
  }
}

TEST(Random, UniformStaysBelowItsEnd) {
  manual_seed(1);
  const Tensor x = random_uniform({200000}, 1.0, std::nextafterf(1.0f, 2.0f));
  EXPECT_EQ(x.max().item(), 1.0);
  const Tensor y = random_uniform({200000}, -1, 3);
  EXPECT_LT(y.max().item(), 3);
  EXPECT_NEAR(y.mean().item(), 1.0, 0.02);
  const Tensor z = random_uniform({100000}, -1e-3, 0);
  EXPECT_LT(z.max().item(), 0);
}

TEST(Random, NormalHasItsMoments) {
  for (const DType dtype : {kFloat32, kFloat64}) {
    manual_seed(3);
    const std::vector<double> x = randn({400001}, dtype).to_vector();
    double sum = 0, square = 0, fourth = 0, neighbours = 0;
    for (std::size_t i = 0; i < x.size(); ++i) {
      ASSERT_TRUE(std::isfinite(x[i]));
      sum += x[i];
      square += x[i] * x[i];
      fourth += x[i] * x[i] * x[i] * x[i];
      if (i > 0) neighbours += x[i] * x[i - 1];
    }
    const double n = static_cast<double>(x.size());
    EXPECT_NEAR(sum / n, 0, 0.01);
    EXPECT_NEAR(square / n, 1, 0.01);
    EXPECT_NEAR(fourth / n, 3, 0.06);
    EXPECT_NEAR(neighbours / n, 0, 0.01);
  }
}

TEST(Random, ThreadsDoNotChangeNumbers) {
  const int before = num_threads();
  std::vector<std::vector<double>> runs;
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    manual_seed(4);
    runs.push_back(
        concat({randn({100003}), rand({77777}), dropout(ones({90001}), 0.4)}).to_vector());
  }
  set_num_threads(before);
  EXPECT_EQ(runs[0], runs[1]);
  EXPECT_EQ(runs[0], runs[2]);
}

TEST(Random, OptionsAreKept) {
  Tensor w = randn({2, 3}, {kFloat64, kCpu, true});
  EXPECT_TRUE(w.requires_grad());
  EXPECT_TRUE(w.is_leaf());
  EXPECT_EQ(w.dtype(), kFloat64);
  expect_error<ArgumentError>(
      [] { rand({2}, kInt32); },
      {"[random_uniform] dtype int32; expected float32 or float64", "random_test.cpp"});
  expect_error<ArgumentError>([] { rand({-1}); }, {"-1"});
}

TEST(Dropout, GradientHasTheMaskOfTheCall) {
  for (const DType dtype : {kFloat32, kFloat64}) {
    manual_seed(5);
    Tensor x = ones({1000}, dtype).set_requires_grad();
    const Tensor y = dropout(x, 0.25), z = dropout(x, 0.25);
    EXPECT_NE(y.to_vector(), z.to_vector());
    backward(y, ones({1000}, dtype));
    EXPECT_EQ(x.grad().to_vector(), y.to_vector());
    const double kept = y.sum().item() * 0.75;
    EXPECT_NEAR(kept, 750, 60);
  }
}

TEST(Dropout, MasksOfBothDtypesAgree) {
  manual_seed(6);
  const std::vector<double> a = dropout(ones({999}), 0.5).to_vector();
  manual_seed(6);
  EXPECT_EQ(dropout(ones({999}, kFloat64), 0.5).to_vector(), a);
}

TEST(Dropout, IsTheTensorItselfWhenNotTraining) {
  const Tensor x = ones({3});
  EXPECT_TRUE(dropout(x, 0.5, false).is_same(x));
  EXPECT_TRUE(dropout(x, 0.0).is_same(x));
  expect_error<ArgumentError>([&] { dropout(x, 1.5, false); },
                              {"[dropout] p = 1.5; expected 0 <= p <= 1", "random_test.cpp"});
}

TEST(Dropout, ByNameDrawsAnewEachTime) {
  manual_seed(9);
  const Tensor x = ones({100});
  const Tensor a = call("dropout", std::vector<Tensor>{x}, {{"p", 0.5}})[0];
  const Tensor b = call("dropout", std::vector<Tensor>{x}, {{"p", 0.5}})[0];
  EXPECT_NE(a.to_vector(), b.to_vector());
  EXPECT_EQ(random_state().offset, 200u);
}

}  // namespace
}  // namespace catena::test
