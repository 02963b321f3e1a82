// Ctrl-C during fit, with real signals in a process of its own.
#include <gtest/gtest.h>

#include <csignal>
#include <cstdlib>
#include <ctime>
#include <sstream>

#include <sys/wait.h>
#include <unistd.h>

#include "catena/graph/random.hpp"
#include "catena/nn/activations.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "catena/serialization/save_load.hpp"
#include "catena/train/callbacks.hpp"
#include "catena/train/fit.hpp"
#include "catena/train/interrupt.hpp"
#include "catena/train/metrics.hpp"
#include "file_builder.hpp"
#include "support.hpp"

namespace catena {
namespace {

// Trains to the end, or until a signal comes; the state is at `path` then. Everything random
// follows from `seed`, unless a state is resumed.
train::History train_to(const std::string& path, std::uint64_t seed, const State* resume,
                        train::LambdaHooks hooks = {}, std::ostream* out = nullptr) {
  manual_seed(7);
  const Tensor x = randn({60, 6});
  const train::Dataset data(x, argmax(x.slice({Ellipsis, Slice(0, 3)}), 1));
  Tensor weights = rand({60});
  manual_seed(seed);
  nn::Sequential net(nn::Linear(6, 16), nn::ReLU(), nn::Dropout(0.3), nn::Linear(16, 3));
  std::ostringstream nowhere;
  return train::fit(
      net, data,
      {.epochs = 4,
       .batch_size = 4,
       .metrics = {"accuracy", train::F1({.average = "macro"}), train::RocAuc()},
       .validation_split = 0.2,
       .class_weight = {{0, 2}},
       .sample_weight = weights,
       .weighted_metrics = {train::Metric("weighted_accuracy", train::Accuracy())},
       .accumulate = 2,
       .out = out != nullptr ? out : &nowhere,
       .callbacks = {train::EarlyStopping({.patience = 10, .restore_best_weights = true}),
                     train::LambdaCallback(std::move(hooks)),
                     train::Checkpoint({.path = path, .save = save_checkpoint})},
       .resume = resume});
}

bool is_default(const struct sigaction& action) { return action.sa_handler == SIG_DFL; }

// Tells the parent through descriptor 3, and waits until `done`, for at most 20 s.
template <class Done>
void tell_and_wait(const Done& done) {
  if (::write(3, "x", 1) != 1) ::_exit(9);
  for (int i = 0; i < 2000; ++i) {
    if (done()) return;
    const timespec moment{0, 10'000'000};
    ::nanosleep(&moment, nullptr);
  }
  ::_exit(8);
}
void wait_for_signal() {
  const train::InterruptGuard guard(true);  // sees the one under way too
  tell_and_wait([&] { return guard.requested(); });
}
void wait_for_the_end() {
  tell_and_wait([] { return false; });
}

class Interrupt : public test::FileTest {
 protected:
  // Starts the test named in a process of its own; its descriptor 3 is the pipe.
  void start(const char* name, const std::string& path) {
    int ends[2];
    ASSERT_EQ(::pipe(ends), 0);
    child_ = ::fork();
    ASSERT_GE(child_, 0);
    if (child_ == 0) {
      ::dup2(ends[1], 3);
      ::signal(SIGINT, SIG_DFL);
      ::setenv("CATENA_TEST_INTERRUPT", path.c_str(), 1);
      ::execl("/proc/self/exe", "interrupt",
              ("--gtest_filter=Interrupt." + std::string(name)).c_str(), "--gtest_brief=1",
              nullptr);
      ::_exit(7);
    }
    ::close(ends[1]);
    read_end_ = ends[0];
  }
  // Waits until the child is where it wants to be, then presses Ctrl-C.
  void interrupt_it() {
    char byte = 0;
    ASSERT_EQ(::read(read_end_, &byte, 1), 1) << "the child ended too early";
    ASSERT_EQ(::kill(child_, SIGINT), 0);
  }
  int end_status() {
    int status = -1;
    EXPECT_EQ(::waitpid(child_, &status, 0), child_);
    ::close(read_end_);
    return status;
  }
  pid_t child_ = -1;
  int read_end_ = -1;
};

// Run by the tests below in a process of its own.
TEST_F(Interrupt, OnceChild) {
  const char* path = std::getenv("CATENA_TEST_INTERRUPT");
  if (!path) GTEST_SKIP() << "run by EndsAfterTheStepAndGoesOnToTheSameBits";
  std::ostringstream out;
  std::int64_t after = 0;
  const train::History history = train_to(path, 1, nullptr,
                                          {.on_batch_end =
                                               [&](train::FitContext& fit) {
                                                 if (fit.epoch == 2) ++after;
                                                 if (fit.epoch == 2 && fit.step == 5)
                                                   wait_for_signal();
                                               }},
                                          &out);
  EXPECT_TRUE(history.interrupted);
  EXPECT_EQ(history.epochs(), 2);
  EXPECT_EQ(after, 6) << "two batches make a step: the one under way is finished";
  EXPECT_NE(out.str().find("Interrupted in epoch 3/4 after batch 6/12; to go on: load_checkpoint("),
            std::string::npos)
      << out.str();
  struct sigaction now = {};
  sigaction(SIGINT, nullptr, &now);
  EXPECT_TRUE(is_default(now)) << "the handling of SIGINT is put back";
}

TEST_F(Interrupt, EndsAfterTheStepAndGoesOnToTheSameBits) {
  const std::string shared = ::testing::TempDir() + "interrupt_shared";
  start("OnceChild", shared);
  interrupt_it();
  EXPECT_EQ(end_status(), 0);
  const std::string whole = folder_ + "/whole", resumed = folder_ + "/resumed";
  const train::History expected = train_to(whole, 1, nullptr);
  const State state = load_checkpoint(shared);
  const train::History history = train_to(resumed, 99, &state);
  EXPECT_FALSE(history.interrupted);
  EXPECT_EQ(history.state().values, expected.state().values);
  EXPECT_TRUE(test::read_file(whole) == test::read_file(resumed));
  EXPECT_FALSE(test::read_file(whole) == test::read_file(shared));
  std::filesystem::remove(shared);
}

TEST_F(Interrupt, TwiceChild) {
  const char* path = std::getenv("CATENA_TEST_INTERRUPT");
  if (!path) GTEST_SKIP() << "run by TwiceEndsTheProcess";
  train_to(path, 1, nullptr, {.on_batch_end = [](train::FitContext& fit) {
             if (fit.epoch == 1 && fit.step == 1) {
               wait_for_signal();
               wait_for_the_end();
             }
           }});
}

TEST_F(Interrupt, TwiceEndsTheProcess) {
  start("TwiceChild", path_);
  interrupt_it();
  interrupt_it();
  const int status = end_status();
  EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGINT) << status;
}

// --- In this process, by raise() ---

int own_signals = 0;
void own_handler(int) { ++own_signals; }

TEST_F(Interrupt, GivesTheHandlerOfTheProgramBack) {
  struct sigaction own = {}, before = {}, after = {};
  own.sa_handler = own_handler;
  sigaction(SIGINT, &own, &before);
  own_signals = 0;
  const auto twice = [](train::FitContext& fit) {
    if (fit.step == 2) std::raise(SIGINT);
  };
  EXPECT_TRUE(train_to(path_, 1, nullptr, {.on_batch_end = twice}).interrupted);
  EXPECT_EQ(own_signals, 0) << "the first is for fit";
  sigaction(SIGINT, nullptr, &after);
  EXPECT_EQ(after.sa_handler, own_handler);
  EXPECT_FALSE(train_to(path_, 1, nullptr).interrupted) << "the next training starts afresh";
  std::raise(SIGINT);
  EXPECT_EQ(own_signals, 1);
  sigaction(SIGINT, &before, nullptr);
}

TEST_F(Interrupt, IsLeftAloneWhereItIsIgnoredOrUnwanted) {
  struct sigaction ignore = {}, before = {}, after = {};
  ignore.sa_handler = SIG_IGN;
  sigaction(SIGINT, &ignore, &before);
  const auto press = [](train::FitContext& fit) {
    if (fit.step == 2) std::raise(SIGINT);
  };
  EXPECT_FALSE(train_to(path_, 1, nullptr, {.on_batch_end = press}).interrupted);
  sigaction(SIGINT, nullptr, &after);
  EXPECT_EQ(after.sa_handler, SIG_IGN);
  sigaction(SIGINT, &before, nullptr);
}

}  // namespace
}  // namespace catena
