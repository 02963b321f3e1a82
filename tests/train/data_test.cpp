// Data sets and loaders: every sample once, repeatable orders, resuming.
#include <gtest/gtest.h>

#include <algorithm>
#include <numeric>

#include "catena/graph/random.hpp"
#include "catena/train/data.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::DataLoader;
using train::Dataset;

// Sample i is (i, i + 0.5), its target 10 i.
Dataset counted(std::int64_t n) {
  std::vector<float> x;
  std::vector<std::int64_t> y;
  for (std::int64_t i = 0; i < n; ++i) {
    x.push_back(static_cast<float>(i));
    x.push_back(static_cast<float>(i) + 0.5f);
    y.push_back(10 * i);
  }
  return {tensor(x, {n, 2}), tensor(y, {n})};
}

// The samples of one epoch in the order they came, checked to be whole.
std::vector<std::int64_t> epoch(DataLoader& loader) {
  std::vector<std::int64_t> order;
  for (auto [x, y] : loader) {
    const std::vector<double> values = x.to_vector();
    const std::vector<std::int64_t> targets = y.to_vector<std::int64_t>();
    EXPECT_EQ(values.size(), 2 * targets.size());
    for (std::size_t i = 0; i < targets.size(); ++i) {
      EXPECT_EQ(values[2 * i + 1], values[2 * i] + 0.5);
      EXPECT_EQ(static_cast<double>(targets[i]), 10 * values[2 * i]);
      order.push_back(targets[i] / 10);
    }
  }
  return order;
}

std::vector<std::int64_t> counting(std::int64_t n) {
  std::vector<std::int64_t> v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}

TEST(DataLoader, WithoutShuffleKeepsTheOrder) {
  DataLoader loader(counted(10), {.batch_size = 4});
  EXPECT_EQ(loader.num_batches(), 3);
  std::vector<std::int64_t> sizes;
  for (auto [x, y] : loader) sizes.push_back(x.shape()[0]);
  EXPECT_EQ(sizes, (std::vector<std::int64_t>{4, 4, 2}));
  EXPECT_EQ(epoch(loader), counting(10));
  EXPECT_EQ(loader.epoch(), 2);
}

TEST(DataLoader, DropsTheLastBatchWhenAsked) {
  DataLoader loader(counted(10), {.batch_size = 4, .drop_last = true});
  EXPECT_EQ(loader.num_batches(), 2);
  EXPECT_EQ(epoch(loader), counting(8));
}

TEST(DataLoader, ShufflesEveryEpochAnewAndRepeatably) {
  DataLoader a(counted(50), {.batch_size = 8, .shuffle = true, .seed = 7});
  DataLoader b(counted(50), {.batch_size = 8, .shuffle = true, .seed = 7});
  DataLoader c(counted(50), {.batch_size = 8, .shuffle = true, .seed = 8});
  const auto first = epoch(a), second = epoch(a);
  EXPECT_NE(first, counting(50));
  EXPECT_NE(first, second);
  EXPECT_EQ(first, epoch(b));
  EXPECT_EQ(second, epoch(b));
  EXPECT_NE(first, epoch(c));
  for (auto order : {first, second}) {
    std::ranges::sort(order);
    EXPECT_EQ(order, counting(50));
  }
}

TEST(DataLoader, TakesItsSeedFromTheProcessGeneratorByDefault) {
  const auto order = [](std::uint64_t seed) {
    manual_seed(seed);
    DataLoader loader(counted(50), {.shuffle = true});
    return epoch(loader);
  };
  EXPECT_EQ(order(3), order(3));
  EXPECT_NE(order(3), order(4));
}

// Each position of a shuffled order is equally likely to hold each sample.
TEST(DataLoader, ShufflesFairly) {
  constexpr int kSamples = 5, kEpochs = 4000;
  DataLoader loader(counted(kSamples), {.batch_size = kSamples, .shuffle = true, .seed = 1});
  int counts[kSamples][kSamples] = {};
  for (int e = 0; e < kEpochs; ++e) {
    const auto order = epoch(loader);
    for (int i = 0; i < kSamples; ++i) ++counts[i][order[static_cast<std::size_t>(i)]];
  }
  // 800 expected, standard deviation 25.
  for (const auto& row : counts)
    for (const int count : row) EXPECT_NEAR(count, kEpochs / kSamples, 125);
}

TEST(DataLoader, ResumesInTheMiddleOfAnEpoch) {
  DataLoader whole(counted(30), {.batch_size = 7, .shuffle = true, .seed = 5});
  epoch(whole);
  const auto second = epoch(whole), third = epoch(whole);

  DataLoader broken(counted(30), {.batch_size = 7, .shuffle = true, .seed = 5});
  epoch(broken);
  State saved;
  std::vector<std::int64_t> order;
  int batches = 0;
  for (auto [x, y] : broken) {
    for (const std::int64_t target : y.to_vector<std::int64_t>()) order.push_back(target / 10);
    saved = broken.state();
    if (++batches == 2) break;
  }
  DataLoader resumed(counted(30), {.batch_size = 7, .shuffle = true, .seed = 99});
  resumed.load_state(saved);
  for (const std::int64_t i : epoch(resumed)) order.push_back(i);
  EXPECT_EQ(order, second);
  EXPECT_EQ(epoch(resumed), third);

  // Without a load, a loop that was left begins the next epoch.
  EXPECT_EQ(epoch(broken), third);
}

TEST(DataLoader, ResumesAfterTheLastBatch) {
  DataLoader a(counted(6), {.batch_size = 3, .shuffle = true, .seed = 5});
  State saved;
  for (auto [x, y] : a) saved = a.state();
  const auto next = epoch(a);
  DataLoader b(counted(6), {.batch_size = 3, .shuffle = true, .seed = 5});
  b.load_state(saved);
  EXPECT_TRUE(epoch(b).empty());
  EXPECT_EQ(epoch(b), next);
}

TEST(DataLoader, RefusesWhatDoesNotFit) {
  expect_error<ArgumentError>(
      [] {
        Dataset(zeros({3, 2}), zeros({4}));
      },
      {"3 samples", "4 targets", "data_test.cpp"});
  expect_error<ArgumentError>([] { Dataset(zeros({3, 2}), Tensor()); }, {"tensors"});
  expect_error<ArgumentError>([] { DataLoader(counted(3), {.batch_size = 0}); },
                              {"batch_size is 0"});
  expect_error<ArgumentError>([] { DataLoader loader{Dataset()}; }, {"empty"});
  DataLoader a(counted(10), {.batch_size = 4}), b(counted(10), {.batch_size = 5});
  expect_error<ArgumentError>([&] { b.load_state(a.state()); },
                              {"batch_size 4", "this loader has 5"});
}

TEST(Dataset, SlicesWithoutACopy) {
  const Dataset data = counted(5), part = data.slice(1, 3);
  EXPECT_EQ(part.size(), 2);
  EXPECT_TRUE(part.x.shares_storage(data.x));
  EXPECT_TRUE(close(part.y, {10, 20}));
}

}  // namespace
}  // namespace catena::test
