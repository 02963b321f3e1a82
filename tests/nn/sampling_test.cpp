// Classes drawn by chance: how often, and among which.
#include "catena/nn/sampling.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using nn::sample_classes;

constexpr std::int64_t kDraws = 20000;

// How often each class comes, of probabilities p.
std::vector<double> frequencies(const std::vector<double>& p, nn::SamplingOptions options = {},
                                DType dtype = kFloat32) {
  manual_seed(7);
  const auto classes = static_cast<std::int64_t>(p.size());
  const Tensor logits = log(tensor(p, {classes}, dtype)).expand({kDraws, classes});
  std::vector<double> counts(p.size());
  for (const std::int64_t c : sample_classes(logits, options).to_vector<std::int64_t>())
    counts[static_cast<std::size_t>(c)] += 1.0 / kDraws;
  return counts;
}
// Within five standard deviations of each count.
void expect_frequencies(const std::vector<double>& actual, const std::vector<double>& expected) {
  for (std::size_t i = 0; i < expected.size(); ++i)
    EXPECT_NEAR(actual[i], expected[i],
                1e-9 + 5 * std::sqrt(expected[i] * (1 - expected[i]) / static_cast<double>(kDraws)))
        << i;
}

TEST(SampleClasses, HaveTheProbabilitiesOfTheSoftmax) {
  const std::vector<double> p = {0.1, 0.55, 0, 0.3, 0.05};
  expect_frequencies(frequencies(p), p);
  expect_frequencies(frequencies(p, {}, kFloat64), p);
}

TEST(SampleClasses, TemperatureSharpensAndFlattens) {
  // p^(1/t), normalised.
  expect_frequencies(frequencies({0.2, 0.8}, {.temperature = 0.5}), {1 / 17.0, 16 / 17.0});
  expect_frequencies(frequencies({0.2, 0.8}, {.temperature = 2}), {1 / 3.0, 2 / 3.0});
  expect_frequencies(frequencies({0.4, 0.6}, {.temperature = 0}), {0, 1});
  EXPECT_TRUE(same_bits(sample_classes(tensor({{1, 3, 2}, {5, 4, 5}}), {.temperature = 0}),
                        tensor({1, 0}, kInt64)));
}

TEST(SampleClasses, TopKAndTopPLeaveOutTheUnlikely) {
  const std::vector<double> p = {0.1, 0.4, 0.2, 0.3};
  expect_frequencies(frequencies(p, {.top_k = 2}), {0, 4 / 7.0, 0, 3 / 7.0});
  expect_frequencies(frequencies(p, {.top_k = 9}), p);
  // 0.4 + 0.3 falls short of 0.75, so that the third stays.
  expect_frequencies(frequencies(p, {.top_p = 0.75}), {0, 4 / 9.0, 2 / 9.0, 3 / 9.0});
  expect_frequencies(frequencies(p, {.top_p = 0.65}), {0, 4 / 7.0, 0, 3 / 7.0});
  expect_frequencies(frequencies(p, {.top_p = 1e-9}), {0, 1, 0, 0});
  // Of the two that top_k leaves the first has 4/7.
  expect_frequencies(frequencies(p, {.top_k = 2, .top_p = 0.5}), {0, 1, 0, 0});
}

TEST(SampleClasses, KeepLeadingDimensionsAndTheSeed) {
  const Tensor logits = zeros({3, 4, 50});
  manual_seed(3);
  const Tensor a = sample_classes(logits);
  EXPECT_EQ(a.shape(), (Shape{3, 4}));
  EXPECT_EQ(a.dtype(), kInt64);
  manual_seed(3);
  EXPECT_TRUE(same_bits(sample_classes(logits), a));
  EXPECT_FALSE(same_bits(sample_classes(logits), a));
  EXPECT_EQ(sample_classes(zeros({5})).shape(), (Shape{}));
}

TEST(SampleClasses, RefuseOptionsOutOfRange) {
  const double inf = std::numeric_limits<double>::infinity();
  expect_error<ArgumentError>(
      [] { sample_classes(zeros({2}, kInt64)); },
      {"[sample_classes] logits are int64 [2]; expected [.., classes]", "sampling_test.cpp"});
  expect_error<ArgumentError>([] { sample_classes(zeros({2, 0})); }, {"float32 [2, 0]"});
  expect_error<ArgumentError>([] { sample_classes({}); }, {"logits are undefined"});
  for (const double t : {-1.0, inf, std::nan("")})
    expect_error<ArgumentError>([&] { sample_classes(zeros({2}), {.temperature = t}); },
                                {"temperature is", "expected at least 0"});
  expect_error<ArgumentError>([] { sample_classes(zeros({2}), {.top_k = -1}); }, {"top_k is -1"});
  for (const double p : {0.0, 1.1, std::nan("")})
    expect_error<ArgumentError>([&] { sample_classes(zeros({2}), {.top_p = p}); },
                                {"top_p is", "in (0, 1]"});
}

}  // namespace
}  // namespace catena::test
