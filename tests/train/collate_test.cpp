// Batches from samples: stacked, padded, and what does not fit together.
#include <gtest/gtest.h>

#include "catena/train/collate.hpp"
#include "catena/train/data.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::Batch;
using train::Sample;

TEST(Collate, Stacks) {
  const std::vector<Sample> samples{{tensor({1, 2}), tensor(3, kInt64)},
                                    {tensor({4, 5}), tensor(6, kInt64)}};
  const Batch batch = train::stack_samples(samples);
  EXPECT_TRUE(same_bits(batch.x, tensor({{1, 2}, {4, 5}})));
  EXPECT_TRUE(same_bits(batch.y, tensor({3, 6}, kInt64)));
  EXPECT_FALSE(batch.x_lengths.defined());
  const Batch unlabelled = train::stack_samples(std::vector<Sample>{{tensor({1}), {}}});
  EXPECT_EQ(unlabelled.x.shape(), (Shape{1, 1}));
  EXPECT_FALSE(unlabelled.y.defined());
}

TEST(Collate, PadsToTheLongest) {
  const std::vector<Sample> samples{
      {tensor({{1, 2}, {3, 4}}), tensor({1, 2, 3}, kInt64)},
      {zeros({0, 2}), tensor({4}, kInt64)},
      {tensor({{5, 6}}), tensor({5, 6}, kInt64)},
  };
  const Batch batch = train::pad_samples({.value = -1, .y_value = -100})(samples);
  EXPECT_TRUE(
      same_bits(batch.x, tensor({{{1, 2}, {3, 4}}, {{-1, -1}, {-1, -1}}, {{5, 6}, {-1, -1}}})));
  EXPECT_TRUE(same_bits(batch.x_lengths, tensor({2, 0, 1}, kInt64)));
  EXPECT_TRUE(same_bits(batch.y, tensor({{1, 2, 3}, {4, -100, -100}, {5, 6, -100}}, kInt64)));
  EXPECT_TRUE(same_bits(batch.y_lengths, tensor({3, 1, 2}, kInt64)));
}

TEST(Collate, PadsInALoader) {
  std::vector<Sample> samples;
  for (int i = 1; i <= 5; ++i) samples.push_back({ones({i}), tensor(i, kInt64)});
  train::DataLoader loader(train::items(samples),
                           {.batch_size = 2, .collate = train::pad_samples()});
  std::vector<Shape> shapes;
  for (auto& batch : loader) {
    shapes.push_back(batch.x.shape());
    EXPECT_TRUE(same_bits(batch.x_lengths, batch.y));
    EXPECT_TRUE(same_bits(batch.x.sum({1}), batch.y.to(kFloat32)));
    EXPECT_FALSE(batch.y_lengths.defined());
  }
  EXPECT_EQ(shapes, (std::vector<Shape>{{2, 2}, {2, 4}, {1, 5}}));
}

TEST(Collate, NamesTheSampleThatDoesNotFit) {
  const std::vector<Sample> shapes{{zeros({2}), {}}, {zeros({2}), {}}, {zeros({3}), {}}};
  expect_error<ArgumentError>(
      [&] { train::stack_samples(shapes); },
      {"x of sample 2 of the batch is float32 [3]", "float32 [2]", "pad_samples"});
  const std::vector<Sample> dtypes{{zeros({2}), {}}, {zeros({2}, kInt64), {}}};
  expect_error<ArgumentError>([&] { train::stack_samples(dtypes); }, {"int64 [2]"});
  const std::vector<Sample> targets{{zeros({2}), zeros({})}, {zeros({2}), {}}};
  expect_error<ArgumentError>([&] { train::stack_samples(targets); },
                              {"sample 0 of the batch has an y, sample 1 has none"});
  const std::vector<Sample> widths{{zeros({2, 3}), {}}, {zeros({4, 5}), {}}};
  expect_error<ArgumentError>([&] { train::pad_samples()(widths); },
                              {"[4, 5]", "only the first dimension may differ"});
}

TEST(Collate, BatchesComeApart) {
  Batch batch{tensor({1}), tensor({2}), {}, {}};
  auto& [x, y] = batch;
  x = tensor({3});
  EXPECT_TRUE(close(batch.x, {3}));
  const auto& [cx, cy] = batch;
  EXPECT_TRUE(cy.is_same(y));
  auto [mx, my] = batch;
  mx = tensor({4});
  EXPECT_TRUE(close(cx, {3}));
  EXPECT_TRUE(close(my, {2}));
}

}  // namespace
}  // namespace catena::test
