// Optimizers and schedules by name and by options given as text.
#include "catena/train/make_optimizer.hpp"

#include <gtest/gtest.h>

#include <vector>

#include "catena/nn/linear.hpp"
#include "catena/train/adam.hpp"
#include "catena/train/fit.hpp"
#include "catena/train/sgd.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

Tensor parameter() {
  Tensor p = ones({2});
  p.set_requires_grad();
  return p;
}

TEST(MakeOptimizer, KnowsAllByTheirNames) {
  for (const std::string& name : optim::optimizer_names()) {
    const auto made = optim::make_optimizer(name, {parameter()});
    EXPECT_EQ(made->name(), name);
  }
  EXPECT_EQ(optim::optimizer_names().size(), 10u);
  EXPECT_EQ(optim::schedule_names().size(), 13u);
}

TEST(MakeOptimizer, ReadsOptions) {
  const auto made = optim::make_optimizer(
      " sgd ( lr = 0.5,momentum=1e-1 , nesterov=true, weight_decay=2) ", {parameter()});
  const auto& options = dynamic_cast<optim::SGD&>(*made).options();
  EXPECT_EQ(options.lr, 0.5);
  EXPECT_EQ(options.momentum, 0.1);
  EXPECT_EQ(options.weight_decay, 2);
  EXPECT_TRUE(options.nesterov);
  const auto adam = optim::make_optimizer("adam(beta2=0.5)", {parameter()});
  EXPECT_EQ(dynamic_cast<optim::Adam&>(*adam).options().betas, (std::array{0.9, 0.5}));
}

TEST(MakeOptimizer, MakesThatOfFit) {
  nn::Linear layer(2, 1);
  const Tensor before = layer.weight().detach().clone();
  const train::Dataset data(ones({4, 2}), ones({4, 1}));
  train::FitOptions options{
      .loss = "mse_loss", .optimizer = "sgd(lr=0)", .verbose = train::Verbose::kSilent};
  train::fit(layer, data, options);
  EXPECT_TRUE(same_bits(layer.weight().detach(), before));
  options.optimizer = "sgd(lr=1)";
  train::fit(layer, data, options);
  EXPECT_FALSE(same_bits(layer.weight().detach(), before));
  options.optimizer = "sgd(momentun=1)";
  expect_error<ArgumentError>([&] { train::fit(layer, data, options); },
                              {"[sgd] unknown option 'momentun'; did you mean 'momentum'"});
}

TEST(MakeOptimizer, SetsOptionsOfAllGroupsOrNone) {
  optim::SGD sgd({{{parameter()}, {.lr = 0.1}}, {{parameter()}, {.lr = 0.01}}});
  sgd.set_options("momentum=0.5, lr=0.2");
  EXPECT_EQ(sgd.options(1).momentum, 0.5);
  EXPECT_EQ(sgd.options(1).lr, 0.2);
  expect_error<ArgumentError>([&] { sgd.set_options("lr=0.3, momentum=-1"); },
                              {"[sgd] momentum is -1", "make_optimizer_test.cpp"});
  EXPECT_EQ(sgd.options(0).lr, 0.2);
  EXPECT_EQ(sgd.options(0).momentum, 0.5);
}

TEST(MakeOptimizer, AnswersWrongNamesWithNearOnes) {
  const auto fails = [](const char* text, std::initializer_list<const char*> parts) {
    expect_error<ArgumentError>([&] { optim::make_optimizer(text, {parameter()}); }, parts);
  };
  fails("rms", {"unknown optimizer 'rms'; did you mean 'rmsprop'?"});
  fails("sgd(learning_rate=0.1)", {"unknown option 'learning_rate'; did you mean 'lr'?"});
  fails("adan", {"[make_optimizer] unknown optimizer 'adan'; did you mean 'adam'",
                 "available: "
                 "adadelta, adagrad, adam, adamax, adamw, lbfgs, lion, nadam, rmsprop, sgd",
                 "make_optimizer_test.cpp"});
  fails("sgd(momentun=0.9)", {"[sgd] unknown option 'momentun'; did you mean 'momentum'",
                              "available: lr, momentum, dampening"});
  fails("sgd(lr=fast)", {"[sgd] option 'lr' is 'fast'; expected a number"});
  fails("sgd(nesterov=yes)", {"option 'nesterov' is 'yes'; expected true or false"});
  fails("lbfgs(max_iter=1.5)", {"[lbfgs] option 'max_iter' is '1.5'; expected an integer"});
  fails("sgd(lr=1, lr=2)", {"option 'lr' is given twice"});
  fails("sgd(adam)", {"[sgd] 'adam' is not an option; expected option=value"});
  fails("adam(lr=-1)", {"[adam] lr is -1"});
  fails("sgd(lr=0.1", {"[make_optimizer] cannot read 'sgd(lr=0.1' at character 11"});
  fails("sgd(lr=)", {"at character 8; expected a value"});
  fails("sgd)", {"at character 4; expected an end"});
  fails("", {"expected a name, as in \"name(option=value, ...)\""});
}

TEST(MakeSchedule, KnowsAllByTheirNames) {
  optim::SGD sgd({parameter()}, {.lr = 0.1, .momentum = 0.9});
  for (const char* text :
       {"chained(linear)", "constant", "cosine(t_max=3)", "cosine_warm_restarts(t_0=3)",
        "cyclic(max_lr=1)", "exponential(gamma=0.9)", "linear", "multi_step(milestones=[3])",
        "one_cycle(total_steps=5, max_lr=1)", "polynomial", "reduce_on_plateau",
        "sequential(linear)", "step(step_size=2)"}) {
    const auto made = optim::make_schedule(text, sgd);
    EXPECT_TRUE(std::string(text).starts_with(made->name())) << text;
  }
}

TEST(MakeSchedule, AnswersWrongNamesWithNearOnes) {
  optim::SGD sgd({parameter()});
  const auto fails = [&](const char* text, std::initializer_list<const char*> parts) {
    expect_error<ArgumentError>([&] { optim::make_schedule(text, sgd); }, parts);
  };
  fails("cosine_annealing(t_max=3)", {"unknown schedule", "; did you mean 'cosine'"});
  fails("cosin(t_max=3)", {"[make_schedule] unknown schedule 'cosin'; did you mean 'cosine'",
                           "available: chained, constant", "make_optimizer_test.cpp"});
  fails("step(step_sise=3)", {"[step] unknown option 'step_sise'; did you mean 'step_size'"});
  fails("chained(linear, stepp)", {"unknown schedule 'stepp'; did you mean 'step'"});
  fails("chained(linear, milestones=[3])", {"[chained] unknown option 'milestones'"});
  fails("sequential(linear, linear, milestone=[3])",
        {"[sequential] unknown option 'milestone'; did you mean 'milestones'"});
  fails("step(linear)", {"[step] 'linear' is not an option"});
  fails("multi_step(milestones=[1, b])", {"option 'milestones' is '[1, b]'; expected [1, 2, ...]"});
  fails("multi_step(milestones=[1", {"expected ']'"});
  fails("lambda", {"'lambda' takes a function and has no text", "LambdaLR"});
  std::string deep;
  for (int i = 0; i < 100; ++i) deep += "chained(";
  fails(deep.c_str(), {"fewer parentheses"});
}

}  // namespace
}  // namespace catena::test
