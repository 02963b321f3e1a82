// Items, streams and workers of a DataLoader: the same batches for any number of threads.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <stdexcept>
#include <thread>

#include "catena/graph/autograd.hpp"
#include "catena/graph/philox.hpp"
#include "catena/ops/all.hpp"
#include "catena/train/data.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::DataLoader;
using train::DataLoaderOptions;
using train::Dataset;
using train::Sample;

// Item i is i, and later ones are sooner ready.
class Counted : public train::ItemDataset {
 public:
  explicit Counted(std::int64_t n, std::int64_t broken = -1) : n_(n), broken_(broken) {}
  std::int64_t size() const override { return n_; }
  Sample get(std::int64_t index, PhiloxState random) const override {
    ++reads;
    if (index == broken_) throw SystemError("[read] the disk is gone");
    if (index % 3 == 0) std::this_thread::sleep_for(std::chrono::microseconds(300));
    const double noise = philox_number(random.seed, random.offset) % 1000;
    return {tensor({static_cast<double>(index), noise}), tensor(index, kInt64)};
  }
  mutable std::atomic<int> reads = 0;

 private:
  std::int64_t n_, broken_;
};

// Shard s of S holds s, s + S, ... below n; broken shards throw at their third sample.
class Numbers : public train::StreamDataset {
 public:
  Numbers(std::int64_t n, int shards, bool broken = false)
      : n_(n), shards_(shards), broken_(broken) {}
  int shards() const override { return shards_; }
  train::SampleStream open(int shard, std::int64_t epoch) const override {
    return [this, shard, epoch, at = std::int64_t{shard}]() mutable -> std::optional<Sample> {
      if (broken_ && at >= shard + 2 * shards_) throw std::runtime_error("bad record");
      if (at >= n_) return std::nullopt;
      const double value = static_cast<double>(at + 1000 * epoch);
      at += shards_;
      return Sample{tensor({value}), {}};
    };
  }

 private:
  std::int64_t n_;
  int shards_;
  bool broken_;
};

// Everything that `epochs` loops hand out, batch by batch.
std::vector<std::vector<double>> all_batches(DataLoader& loader, int epochs = 2) {
  std::vector<std::vector<double>> out;
  for (int e = 0; e < epochs; ++e)
    for (auto& batch : loader) {
      out.push_back(batch.x.to_vector());
      if (batch.y.defined())
        for (const double y : batch.y.to_vector()) out.back().push_back(y);
    }
  return out;
}

TEST(LoaderWorkers, GiveTheSameBatchesForAnyNumber) {
  const Dataset data(tensor(std::vector<float>(90, 1.5f), {45, 2}), full({45}, 3));
  for (const bool shuffle : {false, true})
    for (const bool drop_last : {false, true}) {
      DataLoaderOptions options{
          .batch_size = 4, .shuffle = shuffle, .drop_last = drop_last, .seed = 3};
      DataLoader one(std::make_shared<Counted>(45), options), tensors(data, options);
      const auto expected = all_batches(one), expected_tensors = all_batches(tensors);
      EXPECT_EQ(expected.size(), drop_last ? 22u : 24u);
      for (const int workers : {1, 2, 3, 16}) {
        options.workers = workers;
        options.prefetch = workers == 2 ? 1 : 2;
        DataLoader many(std::make_shared<Counted>(45), options), of_tensors(data, options);
        EXPECT_EQ(all_batches(many), expected) << workers;
        EXPECT_EQ(all_batches(of_tensors), expected_tensors) << workers;
      }
    }
}

TEST(LoaderWorkers, RandomNumbersOfAnItemChangeWithTheEpochOnly) {
  DataLoader loader(std::make_shared<Counted>(6), {.batch_size = 6, .seed = 1});
  const auto batches = all_batches(loader, 2);
  std::set<double> noise;
  for (const auto& batch : batches)
    for (std::size_t i = 1; i < 12; i += 2) noise.insert(batch[i]);
  EXPECT_GE(noise.size(), 10u);
}

TEST(LoaderWorkers, AreBoundedAndEndWithTheLoop) {
  const auto data = std::make_shared<Counted>(1000);
  DataLoader loader(data, {.batch_size = 2, .workers = 3, .prefetch = 2});
  int batches = 0;
  for ([[maybe_unused]] auto& batch : loader)
    if (++batches == 2) break;
  const int reads = data->reads;
  // In hand 2, and per worker 2 ready and 1 in the making.
  EXPECT_LE(reads, 2 * (2 + 3 * 3));
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(data->reads, reads) << "a worker outlived the loop";
  EXPECT_EQ(loader.epoch(), 0);
  EXPECT_EQ(all_batches(loader, 1).size(), 500u);
  EXPECT_EQ(loader.epoch(), 2);
}

TEST(LoaderWorkers, ErrorsReachTheLoopWithTheItem) {
  for (const int workers : {0, 1, 4}) {
    DataLoader loader(std::make_shared<Counted>(40, 17), {.batch_size = 5, .workers = workers});
    int batches = 0;
    expect_error<SystemError>(
        [&] {
          for ([[maybe_unused]] auto& batch : loader) ++batches;
        },
        {"[data_loader] item 17: [read] the disk is gone"});
    EXPECT_EQ(batches, 3);
  }
}

TEST(LoaderWorkers, ForeignExceptionsAreNested) {
  const auto broken = train::transformed(std::make_shared<Counted>(4), [](Sample s, PhiloxState) {
    if (s.y.item() == 2) throw std::out_of_range("augmentation");
    return s;
  });
  DataLoader loader(broken, {.batch_size = 2, .workers = 2});
  try {
    all_batches(loader);
    ADD_FAILURE() << "nothing was thrown";
  } catch (const Error& e) {
    EXPECT_STREQ(e.what(), "[data_loader] item 2: augmentation");
    EXPECT_THROW(std::rethrow_if_nested(e), std::out_of_range);
  }
}

TEST(LoaderWorkers, ResumeInTheMiddleOfAnEpoch) {
  const DataLoaderOptions options{.batch_size = 4, .shuffle = true, .seed = 9, .workers = 2};
  DataLoader whole(std::make_shared<Counted>(30), options);
  const auto expected = all_batches(whole, 2);
  DataLoader broken(std::make_shared<Counted>(30), options);
  std::vector<std::vector<double>> got;
  State saved;
  for (auto& batch : broken) {
    got.push_back(batch.x.to_vector());
    for (const double y : batch.y.to_vector()) got.back().push_back(y);
    saved = broken.state();
    if (got.size() == 3) break;
  }
  DataLoader resumed(std::make_shared<Counted>(30), {.batch_size = 4, .shuffle = true});
  resumed.load_state(saved);
  for (auto& batch : all_batches(resumed, 2)) got.push_back(batch);
  EXPECT_EQ(got, expected);
}

TEST(LoaderWorkers, FollowTheGradModeOfTheLoop) {
  const Tensor w = tensor({2}).set_requires_grad();
  const auto data = train::transformed(std::make_shared<Counted>(4), [&](Sample s, PhiloxState) {
    return Sample{s.x * w, s.y};
  });
  for (const int workers : {0, 2}) {
    DataLoader loader(data, {.batch_size = 2, .workers = workers});
    for (auto& batch : loader) EXPECT_TRUE(batch.x.requires_grad());
    NoGrad no_grad;
    for (auto& batch : loader) EXPECT_FALSE(batch.x.requires_grad());
  }
}

TEST(LoaderStream, KeepsTheOrderOfTheStream) {
  DataLoader loader(std::make_shared<Numbers>(7, 1), {.batch_size = 3});
  EXPECT_EQ(all_batches(loader, 2),
            (std::vector<std::vector<double>>{
                {0, 1, 2}, {3, 4, 5}, {6}, {1000, 1001, 1002}, {1003, 1004, 1005}, {1006}}));
  EXPECT_EQ(loader.epoch(), 2);
  DataLoader dropping(std::make_shared<Numbers>(7, 1), {.batch_size = 3, .drop_last = true});
  EXPECT_EQ(all_batches(dropping, 1).size(), 2u);
  DataLoader empty(std::make_shared<Numbers>(0, 2), {.batch_size = 3});
  EXPECT_TRUE(all_batches(empty, 1).empty());
}

TEST(LoaderStream, GivesTheSameBatchesForAnyNumberOfWorkers) {
  for (const int shards : {1, 3, 5})
    for (const bool shuffle : {false, true}) {
      DataLoaderOptions options{
          .batch_size = 4, .shuffle = shuffle, .seed = 3, .shuffle_buffer = 10};
      DataLoader one(std::make_shared<Numbers>(38, shards), options);
      const auto expected = all_batches(one);
      std::multiset<double> values;
      for (const auto& batch : expected) values.insert(batch.begin(), batch.end());
      EXPECT_EQ(values.size(), 76u);
      EXPECT_EQ(values.count(0), 1u);
      EXPECT_EQ(values.count(37), 1u);
      for (const int workers : {1, 2, 3, 8}) {
        options.workers = workers;
        options.prefetch = 1;
        DataLoader many(std::make_shared<Numbers>(38, shards), options);
        EXPECT_EQ(all_batches(many), expected) << shards << " shards, " << workers << " workers";
      }
    }
}

TEST(LoaderStream, TheBufferShuffles) {
  DataLoader loader(std::make_shared<Numbers>(100, 2),
                    {.batch_size = 100, .shuffle = true, .seed = 3, .shuffle_buffer = 20});
  const auto batches = all_batches(loader, 2);
  std::vector<double> first = batches[0], second = batches[1];
  EXPECT_FALSE(std::ranges::is_sorted(first));
  for (double& v : second) v -= 1000;
  EXPECT_NE(first, second);
  // The k-th sample handed out is among the first k + 20 of the stream.
  for (std::size_t k = 0; k < 100; ++k) EXPECT_LT(first[k], static_cast<double>(k + 20));
}

TEST(LoaderStream, Resumes) {
  const DataLoaderOptions options{
      .batch_size = 4, .shuffle = true, .seed = 3, .workers = 2, .shuffle_buffer = 7};
  DataLoader whole(std::make_shared<Numbers>(30, 3), options);
  const auto expected = all_batches(whole, 2);
  DataLoader broken(std::make_shared<Numbers>(30, 3), options);
  std::vector<std::vector<double>> got;
  for (auto& batch : broken) {
    got.push_back(batch.x.to_vector());
    if (got.size() == 3) break;
  }
  DataLoader resumed(std::make_shared<Numbers>(30, 3), options);
  resumed.load_state(broken.state());
  for (auto& batch : all_batches(resumed, 2)) got.push_back(batch);
  EXPECT_EQ(got, expected);
}

TEST(LoaderStream, Errors) {
  for (const int workers : {0, 2}) {
    DataLoader loader(std::make_shared<Numbers>(30, 3, true),
                      {.batch_size = 2, .workers = workers});
    expect_error<Error>([&] { all_batches(loader); },
                        {"[data_loader] sample 2 of shard 0: bad record"});
  }
  DataLoader loader(std::make_shared<Numbers>(30, 3), {});
  expect_error<ArgumentError>([&] { loader.num_batches(); }, {"not known", "loader_test.cpp"});
  expect_error<ArgumentError>(
      [] { DataLoader(std::make_shared<Numbers>(3, 1), {.sampler = train::random_sampler(3)}); },
      {"a stream has no sample numbers"});
  expect_error<ArgumentError>(
      [] {
        for (auto& batch : DataLoader(std::make_shared<Numbers>(3, 0))) (void)batch;
      },
      {"the stream has 0 shards"});
  expect_error<ArgumentError>([] { DataLoader(std::make_shared<Counted>(3), {.workers = -1}); },
                              {"workers is -1; expected at least 0"});
}

TEST(Items, SubsetsAndTransforms) {
  const Dataset data(tensor({{0, 1}, {2, 3}, {4, 5}}), tensor({0, 10, 20}));
  const std::vector<std::int64_t> picked{2, 0};
  const Dataset part = data.subset(picked);
  EXPECT_TRUE(close(part.x, {4, 5, 0, 1}));
  EXPECT_TRUE(close(part.y, {20, 0}));
  const auto items = train::subset(train::items(data), picked);
  EXPECT_EQ(items->size(), 2);
  EXPECT_TRUE(close(items->get(0, {}).x, {4, 5}));
  const auto doubled = train::transformed(items, [](Sample s, PhiloxState) {
    return Sample{s.x * 2, s.y};
  });
  EXPECT_TRUE(close(doubled->get(1, {}).x, {0, 2}));
  expect_error<ArgumentError>(
      [&] {
        train::subset(items, {0, 2});
      },
      {"index 1 is 2; expected 0 <= index < 2", "loader_test.cpp"});
  expect_error<ArgumentError>([&] { train::subset(nullptr, {0}); },
                              {"[subset] the data set is a null pointer", "loader_test.cpp"});
  expect_error<ArgumentError>([&] { train::transformed(nullptr, {}); },
                              {"[transformed] the data set is a null pointer"});
  expect_error<ArgumentError>([&] { train::transformed(items, {}); },
                              {"[transformed] the function is empty"});
}

}  // namespace
}  // namespace catena::test
