// Splits and folds: sizes and balance as scikit-learn 1.9 has them.
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "catena/graph/random.hpp"
#include "catena/train/split.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::Fold;
using train::Split;
using Indices = std::vector<std::int64_t>;

const Indices kLabels{3, 1, 1, 3, 2, 3, 3, 1, 2, 3, 3, 3, 1, 2, 3};
Tensor labels() { return tensor(kLabels, {15}); }

Indices counting(std::int64_t n) {
  Indices v(static_cast<std::size_t>(n));
  std::iota(v.begin(), v.end(), 0);
  return v;
}
Indices joined(std::initializer_list<Indices> parts) {
  Indices out;
  for (const Indices& part : parts) out.insert(out.end(), part.begin(), part.end());
  std::ranges::sort(out);
  return out;
}
// How many there are of classes 1, 2 and 3.
Indices balance(const Indices& part) {
  Indices counts(3);
  for (const std::int64_t i : part)
    ++counts[static_cast<std::size_t>(kLabels[static_cast<std::size_t>(i)] - 1)];
  return counts;
}

TEST(Split, SizesAndSeeds) {
  const Split split = train::split_indices(15, {.validation = 0.1, .test = 0.3, .seed = 1});
  EXPECT_EQ(split.test.size(), 5u);        // ceil(4.5)
  EXPECT_EQ(split.validation.size(), 2u);  // ceil(1.5)
  EXPECT_EQ(joined({split.training, split.validation, split.test}), counting(15));
  EXPECT_EQ(train::split_indices(15, {.test = 0.3, .seed = 1}).test, split.test);
  EXPECT_NE(train::split_indices(15, {.test = 0.3, .seed = 2}).test, split.test);
  const Split plain = train::split_indices(5, {.validation = 0.2, .test = 0.2, .shuffle = false});
  EXPECT_EQ(plain.training, (Indices{0, 1, 2}));
  EXPECT_EQ(plain.validation, (Indices{3}));
  EXPECT_EQ(plain.test, (Indices{4}));
  const auto drawn = [](std::uint64_t seed) {
    manual_seed(seed);
    return train::split_indices(30, {.test = 0.5}).test;
  };
  EXPECT_EQ(drawn(1), drawn(1));
  EXPECT_NE(drawn(1), drawn(2));
}

TEST(Split, Stratified) {
  const Split two = train::stratified_split_indices(labels(), {.test = 0.3, .seed = 1});
  EXPECT_EQ(balance(two.training), (Indices{3, 2, 5}));
  EXPECT_EQ(balance(two.test), (Indices{1, 1, 3}));
  const Split three =
      train::stratified_split_indices(labels(), {.validation = 0.2, .test = 0.2, .seed = 4});
  EXPECT_EQ(joined({three.training, three.validation, three.test}), counting(15));
  EXPECT_EQ(balance(three.training), (Indices{2, 2, 5}));
  EXPECT_NE(train::stratified_split_indices(labels(), {.test = 0.3, .seed = 2}).test, two.test);
}

TEST(Folds, OfKFold) {
  const std::vector<Fold> folds = train::k_fold(15, {.folds = 4});
  ASSERT_EQ(folds.size(), 4u);
  EXPECT_EQ(folds[0].validation, (Indices{0, 1, 2, 3}));
  EXPECT_EQ(folds[2].validation, (Indices{8, 9, 10, 11}));
  EXPECT_EQ(folds[3].validation, (Indices{12, 13, 14}));
  EXPECT_EQ(folds[3].training, counting(12));
  Indices all;
  for (const Fold& fold : train::k_fold(15, {.folds = 4, .shuffle = true, .seed = 1})) {
    EXPECT_EQ(joined({fold.training, fold.validation}), counting(15));
    EXPECT_TRUE(std::ranges::is_sorted(fold.validation));
    all = joined({all, fold.validation});
  }
  EXPECT_EQ(all, counting(15));
}

TEST(Folds, OfStratifiedKFold) {
  const std::vector<Fold> folds = train::stratified_k_fold(labels(), {.folds = 3});
  ASSERT_EQ(folds.size(), 3u);
  EXPECT_EQ(folds[0].validation, (Indices{0, 1, 3, 4, 5}));
  EXPECT_EQ(folds[1].validation, (Indices{2, 6, 8, 9, 10}));
  EXPECT_EQ(folds[2].validation, (Indices{7, 11, 12, 13, 14}));
  const std::vector<Fold> shuffled =
      train::stratified_k_fold(labels(), {.folds = 3, .shuffle = true, .seed = 1});
  for (std::size_t f = 0; f < 3; ++f) {
    EXPECT_EQ(balance(shuffled[f].validation), balance(folds[f].validation));
    EXPECT_EQ(joined({shuffled[f].training, shuffled[f].validation}), counting(15));
  }
  EXPECT_NE(shuffled[0].validation, folds[0].validation);
}

TEST(Split, RefusesWhatDoesNotFit) {
  expect_error<ArgumentError>([] { train::split_indices(3, {.test = 1}); },
                              {"test is 1; expected fractions in [0, 1)", "split_test.cpp"});
  expect_error<ArgumentError>([] { train::split_indices(2, {.validation = 0.5, .test = 0.5}); },
                              {"2 samples, 1 for validation and 1 for the test leave none"});
  expect_error<ArgumentError>(
      [] {
        train::stratified_split_indices(tensor({1, 1, 1, 2}, kInt64), {.test = 0.5});
      },
      {"class 2 has 1 samples; expected at least 2"});
  expect_error<ArgumentError>([] { train::stratified_split_indices(zeros({4}), {.test = 0.5}); },
                              {"labels are float32 [4]"});
  expect_error<ArgumentError>([] { train::k_fold(3, {.folds = 4}); }, {"4 folds of 3 samples"});
  expect_error<ArgumentError>([] { train::k_fold(3, {.folds = 1}); }, {"1 folds of 3 samples"});
  expect_error<ArgumentError>(
      [] {
        train::stratified_k_fold(tensor({1, 2, 1, 2}, kInt64), {.folds = 3});
      },
      {"3 folds, but no class has more than 2 samples"});
}

}  // namespace
}  // namespace catena::test
