// Callbacks that change the learning rate.
#include "catena/train/schedule_callbacks.hpp"

#include <gtest/gtest.h>

#include <algorithm>

#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/linear.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/train/callbacks.hpp"
#include "catena/train/decay_schedules.hpp"
#include "catena/train/fit.hpp"
#include "catena/train/sgd.hpp"
#include "class_data.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::FitContext;
using train::Verbose;

// The learning rates at the begin of each epoch, of 6 batches.
std::vector<double> rates(optim::SGD& sgd, nn::Linear& net, train::CallbackHandle callback,
                          std::int64_t epochs, std::int64_t accumulate = 1,
                          const State* resume = nullptr, State* saved = nullptr) {
  std::vector<double> out;
  const train::Metric constant("constant", [](const Tensor&, const Tensor&) { return 1.0; });
  train::fit(net, classes(12),
             {.epochs = epochs,
              .batch_size = 2,
              .optimizer = sgd,
              .metrics = {constant},
              .accumulate = accumulate,
              .verbose = Verbose::kSilent,
              .callbacks = {std::move(callback),
                            train::LambdaCallback(
                                {.on_epoch_begin =
                                     [&](FitContext& fit) { out.push_back(fit.optimizer.lr()); }})},
              .on_epoch_end =
                  [&](FitContext& fit) {
                    if (saved != nullptr) *saved = fit.state().clone();
                  },
              .resume = resume});
  return out;
}

TEST(ScheduleCallbacks, StepPerEpochOrPerStepOfTheOptimizer) {
  nn::Linear net(3, 3);
  optim::SGD sgd(net.parameters(), {.lr = 1});
  optim::StepLR own(sgd, {.step_size = 1, .gamma = 0.5});
  EXPECT_EQ(rates(sgd, net, train::StepSchedule(own), 3), (std::vector<double>{1, 0.5, 0.25}));
  EXPECT_EQ(own.steps(), 3);
  sgd.set_lr(1);
  EXPECT_EQ(
      rates(sgd, net, train::StepSchedule("step(step_size=6, gamma=0.5)", {.per = "batch"}), 3),
      (std::vector<double>{1, 0.5, 0.25}));
  sgd.set_lr(1);
  EXPECT_EQ(
      rates(sgd, net, train::StepSchedule("step(step_size=3, gamma=0.5)", {.per = "batch"}), 3, 2),
      (std::vector<double>{1, 0.5, 0.25}))
      << "two batches make a step";
}

TEST(ScheduleCallbacks, ReduceOnPlateau) {
  nn::Linear net(3, 3);
  optim::SGD sgd(net.parameters(), {.lr = 1});
  const train::ReduceOnPlateauOptions options{
      .monitor = "constant", .mode = "min", .factor = 0.5, .patience = 1};
  EXPECT_EQ(rates(sgd, net, train::ReduceOnPlateau(options), 5),
            (std::vector<double>{1, 1, 1, 0.5, 0.5}));
}

TEST(ScheduleCallbacks, GoOnFromASavedState) {
  nn::Linear net(3, 3);
  const train::ReduceOnPlateauOptions options{
      .monitor = "constant", .mode = "min", .factor = 0.5, .patience = 1};
  State saved;
  {
    optim::SGD sgd(net.parameters(), {.lr = 1});
    rates(sgd, net, train::ReduceOnPlateau(options), 2, 1, nullptr, &saved);
  }
  optim::SGD sgd(net.parameters(), {.lr = 7});
  EXPECT_EQ(rates(sgd, net, train::ReduceOnPlateau(options), 5, 1, &saved),
            (std::vector<double>{1, 0.5, 0.5}));
  {
    optim::SGD other(net.parameters(), {.lr = 1});
    rates(other, net, train::StepSchedule("linear(start_factor=0.5, total_iters=4)"), 2, 1, nullptr,
          &saved);
  }
  EXPECT_EQ(
      rates(sgd, net, train::StepSchedule("linear(start_factor=0.5, total_iters=4)"), 5, 1, &saved),
      (std::vector<double>{0.75, 0.875, 1}));
}

TEST(ScheduleCallbacks, SayWhatDoesNotFit) {
  nn::Linear net(3, 3);
  optim::SGD sgd(net.parameters(), {.lr = 1}), other(net.parameters(), {.lr = 1});
  optim::StepLR own(other, {.step_size = 1});
  expect_error<ArgumentError>([&] { rates(sgd, net, train::StepSchedule(own), 1); },
                              {"[schedule]", "another optimizer"});
  expect_error<ArgumentError>(
      [&] { train::StepSchedule(own, {.per = "step"}); },
      {"[schedule] unknown per 'step'", "epoch, batch", "schedule_callbacks_test.cpp"});
  expect_error<ArgumentError>([&] { rates(sgd, net, train::StepSchedule("cosin(t_max=3)"), 1); },
                              {"'cosin'", "'cosine'"});
  expect_error<ArgumentError>(
      [&] { rates(sgd, net, train::StepSchedule("reduce_on_plateau"), 1); },
      {"[schedule] this schedule looks at a value; expected the callback ReduceOnPlateau"});
  expect_error<ArgumentError>([&] { rates(sgd, net, train::ReduceOnPlateau(), 1); },
                              {"unknown monitor 'val_loss'", "available: loss, constant"});
  expect_error<ArgumentError>(
      [&] { rates(sgd, net, train::ReduceOnPlateau({.monitor = "los"}), 1); },
      {"[reduce_on_plateau] unknown monitor 'los'", "'loss'"});
}

}  // namespace
}  // namespace catena::test
