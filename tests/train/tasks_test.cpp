// The worked tasks: the median of five seeds meets each one's target; of those that train long one
// seed does, and all five in the long runs.
#include "task.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "cnn/cnn.hpp"
#include "multilayer/multilayer.hpp"
#include "support.hpp"
#include "temp_folder.hpp"

namespace catena::test {
namespace {

task::Options options(std::uint64_t seed = 0) {
  return {.seed = seed, .verbose = false, .data_dir = CATENA_EXAMPLES};
}

class Tasks : public ::testing::TestWithParam<task::Task> {};

TEST_P(Tasks, MeetTheirTargetAsTheMedianOfFiveSeeds) {
  const std::uint64_t seeds = GetParam().trains_long && !soak() ? 1 : 5;
  std::vector<double> scores;
  task::Result result;
  for (std::uint64_t seed = 0; seed < seeds; ++seed) {
    result = GetParam().run(options(seed));
    scores.push_back(result.score);
    EXPECT_FALSE(result.values.empty());
  }
  std::ranges::sort(scores);
  result.score = scores[seeds / 2];
  EXPECT_TRUE(result.reached()) << ::testing::PrintToString(scores) << ", target " << result.target;
}

INSTANTIATE_TEST_SUITE_P(All, Tasks, ::testing::ValuesIn(task::kTasks),
                         [](const auto& t) { return std::string(t.param.name); });

// One epoch of those that train long, with their pictures.
TEST_P(Tasks, DrawTheirPictures) {
  const TempFolder folder;
  task::Options short_options = options();
  short_options.epochs = 1;
  short_options.out_dir = folder.path();
  for (const std::string& picture : GetParam().run(short_options).pictures)
    if (!picture.empty()) {  // no gnuplot: none
      EXPECT_GT(std::filesystem::file_size(picture), 100u) << picture;
    }
}

TEST(Tasks, MultilayerTakesAnyLossAndLayers) {
  for (const char* loss : {"log_loss", "mse"})
    EXPECT_TRUE(multilayer::run({options(), loss, {16}}).reached()) << loss;
  expect_error<ArgumentError>(
      [&] {
        multilayer::run({options(), "log_los"});
      },
      {"unknown loss 'log_los'", "log_loss or mse"});
}

TEST(Tasks, TransformerWritesTheSameWithItsCache) {
  task::Options o = options();
  o.epochs = 1;
  const task::Result result = task::transformer(o);
  EXPECT_EQ(result.values[2], (std::pair<std::string, double>("texts_equal_without_cache", 1)));
}

// Two pictures a file, of CIFAR-10's size.
TEST(Tasks, ResNetLearnsFilesOfCifar10) {
  const TempFolder folder;
  std::string pictures;
  for (int i = 0; i < 2 * 3073; ++i) pictures += static_cast<char>(i % 3073 == 0 ? i % 10 : i * 7);
  for (const char* name : {"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin",
                           "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"})
    folder.write(name, pictures);
  cnn::Options o{options(), folder.path()};
  o.epochs = 1;
  o.out_dir = folder.path() + "/out";
  const task::Result result = cnn::run(o);
  EXPECT_EQ(result.values[1], (std::pair<std::string, double>("parameters", 11173962)));
  EXPECT_EQ(result.pictures.size(), 2u);
  o.cifar += "/none";
  expect_error<SystemError>([&] { cnn::run(o); }, {"none/data_batch_1.bin: cannot be opened"});
}

}  // namespace
}  // namespace catena::test
