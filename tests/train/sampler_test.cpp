// Samplers: what an epoch takes, how often, in which order.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>
#include <set>

#include "catena/train/data.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::Sampler;
using Order = std::vector<std::int64_t>;

Order counting(std::int64_t n) {
  Order v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}
Order sorted(Order v) {
  std::ranges::sort(v);
  return v;
}

TEST(Sampler, SequentialRandomAndSubset) {
  EXPECT_EQ(train::sequential_sampler(4).order(1, 0), counting(4));
  const Sampler random = train::random_sampler(30);
  EXPECT_EQ(random.size, 30);
  EXPECT_NE(random.order(1, 0), counting(30));
  EXPECT_EQ(random.order(1, 0), random.order(1, 0));
  EXPECT_NE(random.order(1, 0), random.order(1, 1));
  EXPECT_NE(random.order(1, 0), random.order(2, 0));
  EXPECT_EQ(sorted(random.order(1, 0)), counting(30));
  const Sampler subset = train::subset_sampler({7, 3, 5, 11, 2});
  EXPECT_EQ(subset.size, 5);
  EXPECT_EQ(sorted(subset.order(1, 0)), (Order{2, 3, 5, 7, 11}));
}

TEST(Sampler, WeightedWithReplacementFollowsTheWeights) {
  const std::vector<double> weights{1, 0, 3, 4};
  const Sampler sampler = train::weighted_sampler(weights, 40000);
  std::vector<double> counts(4);
  for (const std::int64_t i : sampler.order(5, 0)) ++counts[static_cast<std::size_t>(i)];
  EXPECT_EQ(counts[1], 0);
  for (std::size_t i : {0u, 2u, 3u}) {
    const double p = weights[i] / 8;
    EXPECT_NEAR(counts[i], 40000 * p, 5 * std::sqrt(40000 * p * (1 - p))) << i;
  }
}

// The first of two draws has the weights' distribution; P(second = j) = sum_i p_i p_j / (1 - p_i).
TEST(Sampler, WeightedWithoutReplacementDrawsOneAfterTheOther) {
  const std::vector<double> p{0.1, 0.2, 0.7};
  const Sampler sampler = train::weighted_sampler({1, 2, 7, 0}, 2, false);
  constexpr int kEpochs = 20000;
  std::vector<double> first(4), second(4);
  for (int e = 0; e < kEpochs; ++e) {
    const Order order = sampler.order(3, e);
    ASSERT_EQ(order.size(), 2u);
    ASSERT_NE(order[0], order[1]);
    ++first[static_cast<std::size_t>(order[0])];
    ++second[static_cast<std::size_t>(order[1])];
  }
  EXPECT_EQ(first[3] + second[3], 0);
  for (std::size_t j = 0; j < 3; ++j) {
    double q = 0;
    for (std::size_t i = 0; i < 3; ++i)
      if (i != j) q += p[i] * p[j] / (1 - p[i]);
    EXPECT_NEAR(first[j] / kEpochs, p[j], 0.02) << j;
    EXPECT_NEAR(second[j] / kEpochs, q, 0.02) << j;
  }
}

TEST(Sampler, StratifiedBatchesHoldTheProportions) {
  // 60, 30 and 10 percent, the classes one after the other.
  std::vector<std::int64_t> labels;
  for (int i = 0; i < 200; ++i) labels.push_back(i < 120 ? 7 : i < 180 ? -2 : 40);
  const Sampler sampler = train::stratified_sampler(tensor(labels, {200}), 20);
  for (int epoch = 0; epoch < 5; ++epoch) {
    const Order order = sampler.order(1, epoch);
    EXPECT_EQ(sorted(order), counting(200));
    for (std::size_t from = 0; from < 200; from += 20) {
      std::map<std::int64_t, int> counts;
      for (std::size_t i = from; i < from + 20; ++i)
        ++counts[labels[static_cast<std::size_t>(order[i])]];
      EXPECT_EQ(counts[7], 12);
      EXPECT_EQ(counts[-2], 6);
      EXPECT_EQ(counts[40], 2);
    }
  }
  EXPECT_NE(sampler.order(1, 0), sampler.order(1, 1));
}

TEST(Sampler, StratifiedIsNearTheProportionsOfAnyClasses) {
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    std::vector<std::int64_t> labels;
    const std::vector<int> sizes{3 + static_cast<int>(seed), 50, 17, 1, 29};
    for (std::size_t c = 0; c < sizes.size(); ++c)
      labels.insert(labels.end(), static_cast<std::size_t>(sizes[c]), static_cast<int>(c));
    const auto n = labels.size();
    const Order order =
        train::stratified_sampler(tensor(labels, {static_cast<int>(n)}), 16).order(seed, 0);
    EXPECT_EQ(sorted(order), counting(static_cast<int>(n)));
    std::vector<double> taken(sizes.size());
    for (std::size_t i = 0; i < n; ++i) {
      ++taken[static_cast<std::size_t>(labels[static_cast<std::size_t>(order[i])])];
      if ((i + 1) % 16 != 0) continue;
      for (std::size_t c = 0; c < sizes.size(); ++c)
        EXPECT_LT(std::abs(taken[c] - sizes[c] * double(i + 1) / double(n)), 1.5) << c;
    }
  }
}

TEST(Sampler, DecidesWhatALoaderTakes) {
  const train::Dataset data(tensor({{0}, {1}, {2}, {3}}), tensor({0, 10, 20, 30}));
  train::DataLoader loader(data, {.batch_size = 2, .sampler = {3, [](auto, auto epoch) {
                                                                 return Order{3, epoch, 3};
                                                               }}});
  EXPECT_EQ(loader.num_batches(), 2);
  for (const double second : {0, 10, 20}) {
    std::vector<double> y;
    for (auto& batch : loader)
      for (const double v : batch.y.to_vector()) y.push_back(v);
    EXPECT_EQ(y, (std::vector<double>{30, second, 30}));
  }
}

TEST(Sampler, RefusesWhatDoesNotFit) {
  expect_error<ArgumentError>(
      [] {
        train::weighted_sampler({1, -2}, 1);
      },
      {"weight 1 is -2", "sampler_test.cpp"});
  expect_error<ArgumentError>([] { train::weighted_sampler({1, NAN}, 1); }, {"weight 1 is nan"});
  expect_error<ArgumentError>([] { train::weighted_sampler({0, 0}, 1); }, {"add up to 0"});
  expect_error<ArgumentError>(
      [] {
        train::weighted_sampler({0, 1, 1}, 3, false);
      },
      {"3 samples of 2 with a weight above 0", "with replacement"});
  expect_error<ArgumentError>([] { train::stratified_sampler(zeros({3}), 2); },
                              {"labels are float32 [3]", "vector of integers"});
  const train::Dataset data(zeros({4, 1}), zeros({4}));
  const auto loop = [&](Sampler sampler) {
    for ([[maybe_unused]] auto& batch : train::DataLoader(data, {.sampler = sampler})) {
    }
  };
  expect_error<ArgumentError>(
      [&] {
        loop({2, [](auto, auto) { return Order{0, 4}; }});
      },
      {"number 1 of the sampler is 4", "expected 0 <= number < 4"});
  expect_error<ArgumentError>(
      [&] {
        loop({3, [](auto, auto) { return Order{0, 1}; }});
      },
      {"gave 2 sample numbers; expected 3"});
  expect_error<ArgumentError>(
      [&] { train::DataLoader(data, {.shuffle = true, .sampler = train::random_sampler(4)}); },
      {"both a sampler and shuffle"});
}

}  // namespace
}  // namespace catena::test
