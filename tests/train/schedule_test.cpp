// Schedules: PyTorch's rates, state, groups, errors.
#include "catena/train/schedule.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "catena/train/adagrad.hpp"
#include "catena/train/adam.hpp"
#include "catena/train/combined_schedules.hpp"
#include "catena/train/cosine_schedules.hpp"
#include "catena/train/cyclic_schedules.hpp"
#include "catena/train/decay_schedules.hpp"
#include "catena/train/lambda_schedules.hpp"
#include "catena/train/make_optimizer.hpp"
#include "catena/train/plateau_schedule.hpp"
#include "catena/train/sgd.hpp"
#include "catena/train/state.hpp"
#include "catena/train/warmup_schedules.hpp"
#include "support.hpp"
#include "train/schedule_reference.hpp"

namespace catena::test {
namespace {

using Made = std::shared_ptr<optim::Schedule>;

Tensor parameter() {
  Tensor p = ones({1});
  p.set_requires_grad();
  return p;
}

// Two groups of rates 0.1 and 0.03, and the schedule of a case.
struct Scheduled {
  std::unique_ptr<optim::Optimizer> optimizer;
  Made schedule;

  explicit Scheduled(std::string text) {
    if (text.starts_with("adam: ")) {
      text = text.substr(6);
      optimizer = std::make_unique<optim::Adam>(std::vector<optim::Adam::Group>{
          {{parameter()}, {.lr = 0.1}}, {{parameter()}, {.lr = 0.03}}});
    } else {
      optimizer = std::make_unique<optim::SGD>(
          std::vector<optim::SGD::Group>{{{parameter()}, {.lr = 0.1, .momentum = 0.9}},
                                         {{parameter()}, {.lr = 0.03, .momentum = 0.9}}});
    }
    if (text == "lambda")
      schedule = std::make_shared<optim::LambdaLR>(
          *optimizer, std::vector<optim::RateFunction>{
                          [](std::int64_t t) { return std::pow(0.95, t); },
                          [](std::int64_t t) { return 1.0 / (1.0 + static_cast<double>(t)); }});
    else if (text == "multiplicative")
      schedule = std::make_shared<optim::MultiplicativeLR>(
          *optimizer, [](std::int64_t t) { return 1 - 0.02 * static_cast<double>(t); });
    else
      schedule = optim::make_schedule(text, *optimizer);
  }
  void step(std::size_t t) {
    if (schedule->wants_metric())
      schedule->step(kPlateauMetrics[t]);
    else
      schedule->step();
  }
};

TEST(Schedule, FollowsPyTorch) {
  for (const ScheduleCase& c : kScheduleCases) {
    SCOPED_TRACE(c.text);
    Scheduled s(c.text);
    std::vector<double> lr0, lr1, momentum;
    for (std::size_t t = 0; t < c.lr0.size(); ++t) {
      lr0.push_back(s.optimizer->group_lr(0));
      lr1.push_back(s.optimizer->group_lr(1));
      momentum.push_back(*s.optimizer->group_momentum(0));
      EXPECT_EQ(s.schedule->last_lr()[0], lr0.back());
      EXPECT_EQ(s.schedule->steps(), static_cast<std::int64_t>(t));
      s.step(t);
    }
    const auto n = static_cast<std::int64_t>(lr0.size());
    EXPECT_TRUE(close(tensor(lr0, {n}), c.lr0, 1e-12, 1e-16));
    EXPECT_TRUE(close(tensor(lr1, {n}), c.lr1, 1e-12, 1e-16));
    EXPECT_TRUE(close(tensor(momentum, {n}), c.momentum, 1e-12, 1e-16));
  }
}

// Saved at each step, loaded beside a new optimizer in either order.
TEST(Schedule, StateGoesOnToTheSameBits) {
  for (const ScheduleCase& c : kScheduleCases)
    for (const std::size_t when : {0u, 3u, 8u, 16u})
      for (const bool optimizer_last : {false, true}) {
        SCOPED_TRACE(std::string(c.text) + " at " + std::to_string(when));
        Scheduled s(c.text), other(c.text);
        for (std::size_t t = 0; t < when; ++t) s.step(t);
        const State optimizer = s.optimizer->state().clone(),
                    schedule = s.schedule->state().clone();
        if (!optimizer_last) other.optimizer->load_state(optimizer);
        other.schedule->load_state(schedule);
        if (optimizer_last) other.optimizer->load_state(optimizer);
        EXPECT_EQ(other.schedule->state().values, schedule.values);
        EXPECT_EQ(other.optimizer->state().values, optimizer.values);
        for (std::size_t t = when; t + 1 < c.lr0.size(); ++t) {
          s.step(t);
          other.step(t);
          ASSERT_EQ(s.optimizer->group_lr(0), other.optimizer->group_lr(0));
          ASSERT_EQ(s.optimizer->group_lr(1), other.optimizer->group_lr(1));
          ASSERT_EQ(s.optimizer->group_momentum(0), other.optimizer->group_momentum(0));
        }
      }
}

TEST(Schedule, IsPartOfTheTrainingState) {
  Scheduled s("cosine(t_max=10)"), other("cosine(t_max=3)");
  for (int t = 0; t < 4; ++t) s.schedule->step();
  const State saved =
      train::training_state({.optimizer = s.optimizer.get(), .schedule = s.schedule.get()});
  EXPECT_EQ(train::load_training_state(
                saved, {.optimizer = other.optimizer.get(), .schedule = other.schedule.get()}),
            0);
  EXPECT_EQ(other.schedule->steps(), 4);
  EXPECT_EQ(other.optimizer->group_lr(1), s.optimizer->group_lr(1));
}

TEST(Schedule, SeveralOnOneOptimizerMultiply) {
  optim::SGD sgd({parameter()}, {.lr = 1});
  optim::ExponentialLR first(sgd, {.gamma = 0.5});
  optim::StepLR second(sgd, {.step_size = 2, .gamma = 0.1});
  for (int t = 0; t < 4; ++t) first.step(), second.step();
  EXPECT_NEAR(sgd.lr(), 1.0 / 16 / 100, 1e-15);
  EXPECT_EQ(sgd.initial_lr(0), 1);
}

TEST(Schedule, ALaterGroupJoinsWithItsRate) {
  optim::SGD sgd({parameter()}, {.lr = 1});
  optim::StepLR schedule(sgd, {.step_size = 1, .gamma = 0.5});
  schedule.step();
  sgd.add_param_group({{parameter()}, {.lr = 0.2}});
  schedule.step();
  EXPECT_EQ(sgd.group_lr(0), 0.25);
  EXPECT_EQ(sgd.group_lr(1), 0.1);
}

TEST(Schedule, RefusesStateThatDoesNotFit) {
  Scheduled s("step(step_size=2)");
  s.schedule->step();
  State saved = s.schedule->state();
  Scheduled cosine("cosine(t_max=4)");
  expect_error<ArgumentError>([&] { cosine.schedule->load_state(saved); },
                              {"the state is of the schedule 'step', this one is 'cosine'"});
  optim::SGD one({parameter()});
  optim::StepLR other(one, {.step_size = 3});
  expect_error<ArgumentError>(
      [&] { other.load_state(saved); },
      {"rates of 2 parameter groups, the optimizer 1", "schedule_test.cpp"});
  for (NamedAttr& v : saved.values)
    if (v.name == "options.step_size") v.value = std::int64_t{0};
  Scheduled same("step(step_size=7)");
  expect_error<ArgumentError>([&] { same.schedule->load_state(saved); }, {"step_size is 0"});
  EXPECT_EQ(same.schedule->steps(), 0) << "a refused state must change nothing";
  const State parts = Scheduled("chained(step(step_size=2), linear)").schedule->state();
  expect_error<ArgumentError>(
      [&] { Scheduled("chained(linear, step(step_size=2))").schedule->load_state(parts); },
      {"the state is of the schedule 'step', this one is 'linear'"});
}

TEST(Schedule, RefusesWrongArguments) {
  optim::SGD sgd({parameter()}, {.lr = 1, .momentum = 0.9});
  optim::Adagrad adagrad({parameter()});
  const auto fails = [&](const char* text, std::initializer_list<const char*> parts) {
    expect_error<ArgumentError>([&] { optim::make_schedule(text, sgd); }, parts);
  };
  fails("step", {"[step] step_size is 0; expected at least 1"});
  fails("multi_step(milestones=[-1])", {"[multi_step] a milestone is -1"});
  fails("exponential(gamma=-1)", {"[exponential] gamma is -1"});
  fails("exponential", {"[exponential] gamma is 0; expected a number > 0"});
  fails("cyclic", {"[cyclic] max_lr is 0; expected a number > 0"});
  fails("one_cycle(total_steps=4)", {"[one_cycle] max_lr is 0; expected a number > 0"});
  fails("polynomial(total_iters=0)", {"[polynomial] total_iters is 0"});
  fails("linear(start_factor=0)", {"[linear] start_factor is 0; expected a number in (0, 1]"});
  fails("constant(factor=2)", {"[constant] factor is 2"});
  fails("cosine", {"[cosine] t_max is 0"});
  fails("cosine_warm_restarts(t_0=2, t_mult=0)", {"[cosine_warm_restarts] t_mult is 0"});
  fails("cyclic(max_lr=[1, 2])", {"[cyclic] max_lr has 2 values for 1 parameter groups"});
  fails("cyclic(mode=triangula)",
        {"[cyclic] unknown mode 'triangula'; did you mean 'triangular'", "exp_range"});
  fails("one_cycle(max_lr=1)", {"[one_cycle] total_steps is 0"});
  fails("one_cycle(total_steps=9, anneal_strategy=cosine)",
        {"unknown anneal_strategy 'cosine'", "available: cos, linear"});
  fails("reduce_on_plateau(factor=1)", {"[reduce_on_plateau] factor is 1"});
  fails("reduce_on_plateau(mode=mim)", {"unknown mode 'mim'; did you mean 'min'"});
  fails("sequential(milestones=[2])", {"[sequential] there are no parts"});
  fails("sequential(linear, linear, milestones=[2, 3])", {"2 milestones for 2 schedules"});
  fails("sequential(linear, linear, linear, milestones=[3, 3])", {"milestone 3 after 3"});
  fails("chained(linear, reduce_on_plateau)",
        {"[chained] part 1 is reduce_on_plateau, which needs a metric"});
  expect_error<ArgumentError>(
      [&] { optim::CyclicLR(adagrad, {.max_lr = 1}); },
      {"[cyclic] cycle_momentum with the optimizer 'adagrad', which has no momentum"});
  expect_error<ArgumentError>([&] { optim::LambdaLR(sgd, optim::RateFunction()); },
                              {"[lambda] an empty function"});
  expect_error<ArgumentError>(
      [&] {
        optim::ChainedScheduler(
            {std::make_shared<optim::LinearLR>(sgd), std::make_shared<optim::LinearLR>(adagrad)});
      },
      {"[chained] part 1 (linear) is of another optimizer"});
  optim::ReduceLROnPlateau plateau(sgd);
  expect_error<ArgumentError>([&] { plateau.step(); },
                              {"[reduce_on_plateau] step() without a value", "schedule_test.cpp"});
  optim::OneCycleLR cycle(sgd, {.max_lr = 1, .total_steps = 2});
  cycle.step(), cycle.step();
  expect_error<ArgumentError>([&] { cycle.step(); },
                              {"[one_cycle] step 3 of a cycle of total_steps = 2"});
}

}  // namespace
}  // namespace catena::test
