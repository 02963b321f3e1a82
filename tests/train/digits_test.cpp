// The worked task: its data, its two models, its accuracy.
#include "digits/digits.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "catena/backends/cpu/parallel.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

digits::Options options(const std::string& model, std::uint64_t seed, std::int64_t epochs = 0) {
  digits::Options o;
  o.data_path = CATENA_DIGITS_CSV;
  o.model = model;
  o.seed = seed;
  o.epochs = epochs;
  o.verbose = false;
  return o;
}

double median_accuracy(const std::string& model) {
  std::vector<double> accuracies;
  for (std::uint64_t seed = 0; seed < 5; ++seed)
    accuracies.push_back(digits::run(options(model, seed)).test_accuracy);
  std::ranges::sort(accuracies);
  return accuracies[2];
}

TEST(Digits, HaveScikitLearnsSplit) {
  const digits::Digits train = digits::load(CATENA_DIGITS_CSV, "train");
  const digits::Digits test = digits::load(CATENA_DIGITS_CSV, "test");
  EXPECT_EQ(train.pixels.shape(), (Shape{1437, 64}));
  EXPECT_EQ(test.pixels.shape(), (Shape{360, 64}));
  EXPECT_EQ(max(train.pixels).item(), 1);
  EXPECT_EQ(max(test.labels).item(), 9);
  std::vector<int> counts(10);
  for (const std::int64_t label : test.labels.to_vector<std::int64_t>())
    ++counts[static_cast<std::size_t>(label)];
  EXPECT_EQ(counts, (std::vector<int>{33, 28, 33, 34, 46, 47, 35, 34, 30, 40}));
}

// Published: 93.06 %.
TEST(Digits, ClassicReachesThePublishedAccuracy) {
  EXPECT_NEAR(median_accuracy("classic"), 0.9306, 0.015);
}
TEST(Digits, BestReachesItsAccuracy) { EXPECT_GE(median_accuracy("best"), 0.975); }

TEST(Digits, RunsAreRepeatable) {
  const digits::Result a = digits::run(options("best", 3, 2));
  const digits::Result b = digits::run(options("best", 3, 2));
  const digits::Result c = digits::run(options("best", 4, 2));
  EXPECT_EQ(a.losses, b.losses);
  EXPECT_EQ(a.predictions, b.predictions);
  EXPECT_NE(a.losses, c.losses);
  EXPECT_EQ(a.epochs, 2);
  EXPECT_EQ(a.losses.size(), 2u);
  EXPECT_EQ(a.predictions.size(), 360u);
  EXPECT_GT(a.test_accuracy, 0.6);
}

TEST(Digits, ThreadsDoNotChangeTheBits) {
  const int before = num_threads();
  set_num_threads(1);
  const digits::Result a = digits::run(options("classic", 1, 5));
  set_num_threads(3);
  const digits::Result b = digits::run(options("classic", 1, 5));
  set_num_threads(before);
  EXPECT_EQ(a.losses, b.losses);
}

TEST(Digits, AreDrawn) {
  Tensor pixels = zeros({64});
  NoGrad no_grad;
  pixels.slice({Slice(0, 8)}).fill_(1);
  pixels.slice({Slice(8, 9)}).fill_(0.5);
  const std::string text = digits::draw(pixels);
  EXPECT_EQ(std::ranges::count(text, '\n'), 8);
  EXPECT_TRUE(text.starts_with("████████████████\n▒▒              \n")) << text;
}

TEST(Digits, RefuseUnknownModelsAndMissingFiles) {
  expect_error<ArgumentError>([] { digits::run(options("worst", 0, 1)); },
                              {"unknown model 'worst'", "classic or best"});
  digits::Options o = options("best", 0, 1);
  o.data_path = "no/digits.csv";
  expect_error<SystemError>([&] { digits::run(o); }, {"no/digits.csv"});
}

}  // namespace
}  // namespace catena::test
