// An interrupted training goes on to the same bits: in the same program with fresh objects, and in
// another process.
#include <gtest/gtest.h>

#include <cstdlib>

#include <sys/wait.h>
#include <unistd.h>

#include "catena/graph/random.hpp"
#include "catena/graph/trace.hpp"
#include "catena/nn/activations.hpp"
#include "catena/nn/graph_module.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "catena/serialization/save_load.hpp"
#include "catena/train/adam.hpp"
#include "catena/train/averaging.hpp"
#include "catena/train/fit.hpp"
#include "catena/train/make_optimizer.hpp"
#include "catena/train/state.hpp"
#include "file_builder.hpp"
#include "support.hpp"

namespace catena {
namespace {

constexpr int kEpochs = 5, kBreakAfter = 2;

nn::Sequential make_net() {
  return nn::Sequential(nn::Linear(6, 16), nn::ReLU(), nn::Dropout(0.3), nn::Linear(16, 3));
}

train::Dataset make_data() {
  manual_seed(7);
  const Tensor x = randn({50, 6});
  return {x, argmax(x.slice({Ellipsis, Slice(0, 3)}), 1)};
}

// Trains to the end, or up to the break, and saves the state then. Everything random follows
// from `seed`, unless a state is resumed.
void train_with_fit(std::uint64_t seed, const State* resume, bool interrupt,
                    const std::string& path) {
  const train::Dataset data = make_data();
  manual_seed(seed);
  nn::Sequential net = make_net();
  train::FitOptions options;
  options.epochs = kEpochs;
  options.batch_size = 8;
  options.verbose = train::Verbose::kSilent;
  options.resume = resume;
  options.on_epoch_end = [&](train::FitContext& end) {
    if (end.epoch != (interrupt ? kBreakAfter : kEpochs)) return;
    save_checkpoint(path, end.state());
    end.stop = true;
  };
  train::fit(net, data, options);
}

class Resume : public test::FileTest {};

TEST_F(Resume, FitGoesOnToTheSameBits) {
  train_with_fit(1, nullptr, false, folder_ + "/whole");
  train_with_fit(1, nullptr, true, path_);
  const State half = load_checkpoint(path_);
  train_with_fit(99, &half, false, folder_ + "/resumed");
  EXPECT_TRUE(test::read_file(folder_ + "/whole") == test::read_file(folder_ + "/resumed"));
  EXPECT_FALSE(test::read_file(folder_ + "/whole") == test::read_file(path_));
  train_with_fit(99, nullptr, false, folder_ + "/other");
  EXPECT_FALSE(test::read_file(folder_ + "/whole") == test::read_file(folder_ + "/other"))
      << "the seed must matter, or the test shows nothing";
}

// Run by the test below in a process of its own.
TEST_F(Resume, SecondProcess) {
  const char* from = std::getenv("CATENA_TEST_RESUME_FROM");
  if (!from) GTEST_SKIP() << "run by OtherProcess";
  const State half = load_checkpoint(from);
  train_with_fit(99, &half, false, std::string(from) + ".resumed");
}

TEST_F(Resume, OtherProcess) {
  const std::string shared = ::testing::TempDir() + "resume_shared";
  train_with_fit(1, nullptr, false, path_);
  train_with_fit(1, nullptr, true, shared);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::setenv("CATENA_TEST_RESUME_FROM", shared.c_str(), 1);
    ::execl("/proc/self/exe", "resume", "--gtest_filter=Resume.SecondProcess", "--gtest_brief=1",
            nullptr);
    ::_exit(1);
  }
  int status = -1;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
  EXPECT_TRUE(test::read_file(path_) == test::read_file(shared + ".resumed"));
  std::filesystem::remove(shared);
  std::filesystem::remove(shared + ".resumed");
}

// A loop of the user's own, broken in the middle of an epoch.
TEST_F(Resume, PlainLoopInTheMiddleOfAnEpoch) {
  const train::Dataset data = make_data();
  const char *optimizer_text = nullptr, *schedule_text = nullptr;
  const auto train = [&](std::uint64_t seed, const char* load, int stop_after,
                         const std::string& save) {
    manual_seed(seed);
    nn::Sequential net = make_net();
    const auto optimizer = optim::make_optimizer(optimizer_text, net.parameters());
    const auto schedule = optim::make_schedule(schedule_text, *optimizer);
    optim::AveragedParameters averages(net.parameters(), {.decay = 0.9});
    train::DataLoader loader(data, {.batch_size = 8, .shuffle = true});
    std::int64_t steps = 0;
    const train::TrainingParts parts{.model = &net,
                                     .optimizer = optimizer.get(),
                                     .loader = &loader,
                                     .schedule = schedule.get(),
                                     .averages = &averages};
    if (load) {
      const State state = load_checkpoint(load);
      train::load_training_state(state, parts);
      steps = state.get<std::int64_t>("steps");
    }
    for (bool done = false; !done;)
      for (auto [x, y] : loader) {
        optimizer->zero_grad();
        const Tensor loss = cross_entropy(net(x), y);
        loss.backward();
        optimizer->step();
        schedule->step(loss.item());
        averages.update();
        if (++steps < stop_after) continue;
        State state = train::training_state(parts);
        state.add_value("steps", steps);
        save_checkpoint(save, state);
        done = true;
        break;
      }
  };
  for (const auto& [optimizer, schedule] : std::vector<std::pair<const char*, const char*>>{
           {"adam(lr=0.01)", "reduce_on_plateau(patience=1, factor=0.5)"},
           {"nadam", "one_cycle(max_lr=0.01, total_steps=30)"},
           {"rmsprop(momentum=0.9, centered=true)",
            "sequential(linear, cosine(t_max=20), "
            "milestones=[5])"}}) {
    SCOPED_TRACE(optimizer);
    optimizer_text = optimizer, schedule_text = schedule;
    train(1, nullptr, 25, folder_ + "/whole");
    train(1, nullptr, 11, path_);
    train(99, path_.c_str(), 25, folder_ + "/resumed");
    EXPECT_TRUE(test::read_file(folder_ + "/whole") == test::read_file(folder_ + "/resumed"));
  }
}

TEST_F(Resume, ASavedModelIsTrainedOn) {
  const train::Dataset data = make_data();
  nn::Sequential net = make_net();
  TraceOptions options;
  options.parameters = net.named_parameters();
  options.dynamic_axes = {{0, 0, "batch"}};
  save(path_, trace([&](const Tensor& x) { return net(x); }, data.x, options));

  nn::GraphModule loaded(load_graph(path_));
  ASSERT_EQ(loaded.named_parameters().size(), 4u);
  EXPECT_EQ(loaded.named_parameters()[0].first, "0.weight");
  loaded.eval();
  net.eval();
  EXPECT_TRUE(test::same_bits(loaded(data.x), net(data.x)));

  // Both go through the same training, dropout included.
  loaded.train();
  net.train();
  const auto train_one = [&](nn::Module& model) {
    manual_seed(5);
    optim::Adam adam(model.parameters(), {.lr = 0.01});
    for (int i = 0; i < 3; ++i) {
      adam.zero_grad();
      cross_entropy(model(data.x), data.y).backward();
      adam.step();
    }
  };
  train_one(net);
  train_one(loaded);
  loaded.eval();
  net.eval();
  EXPECT_TRUE(test::same_bits(loaded(data.x), net(data.x)));
  EXPECT_TRUE(
      test::same_bits(loaded.named_parameters()[2].second, net.named_parameters()[2].second));
}

}  // namespace
}  // namespace catena
