// The small worked tasks: the median of five seeds meets each one's target.
#include "task.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "multilayer/multilayer.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

class Tasks : public ::testing::TestWithParam<task::Task> {};

TEST_P(Tasks, MeetTheirTargetAsTheMedianOfFiveSeeds) {
  std::vector<double> scores;
  task::Result result;
  for (std::uint64_t seed = 0; seed < 5; ++seed) {
    result = GetParam().run({.seed = seed, .out_dir = "", .verbose = false});
    scores.push_back(result.score);
    EXPECT_FALSE(result.values.empty());
  }
  std::ranges::sort(scores);
  result.score = scores[2];
  EXPECT_TRUE(result.reached()) << ::testing::PrintToString(scores) << ", target " << result.target;
}

INSTANTIATE_TEST_SUITE_P(All, Tasks, ::testing::ValuesIn(task::kTasks),
                         [](const auto& t) { return std::string(t.param.name); });

TEST(Tasks, MultilayerTakesAnyLossAndLayers) {
  for (const char* loss : {"log_loss", "mse"}) {
    multilayer::Options options;
    options.verbose = false;
    options.loss = loss;
    options.hidden = {16};
    EXPECT_TRUE(multilayer::run(options).reached()) << loss;
  }
  multilayer::Options options;
  options.loss = "log_los";
  expect_error<ArgumentError>([&] { multilayer::run(options); },
                              {"unknown loss 'log_los'", "log_loss or mse"});
}

}  // namespace
}  // namespace catena::test
