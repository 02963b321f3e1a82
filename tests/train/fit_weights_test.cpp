// fit and evaluate with weights of samples and classes, accumulated gradients, and states in the
// middle of an epoch.
#include <gtest/gtest.h>

#include <cmath>

#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/index_select.hpp"
#include "catena/ops/loss.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/slice.hpp"
#include "catena/train/callbacks.hpp"
#include "catena/train/clip_grad.hpp"
#include "catena/train/fit.hpp"
#include "catena/train/metrics.hpp"
#include "catena/train/sgd.hpp"
#include "class_data.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::Dataset;
using train::Verbose;

// Hands its input on.
struct Identity : nn::Module {
  Tensor forward(Tensor x) override { return x; }
};

Dataset four() {
  return {tensor({{1.0, 2.0, 0.0}, {3.0, 1.0, 0.0}, {0.0, 0.0, 1.0}, {5.0, 6.0, 7.0}}, kFloat64),
          tensor(std::vector<std::int64_t>{1, 0, 0, 2}, {4})};
}

TEST(FitWeights, EvaluateHasKerasAndPyTorchsLoss) {
  Identity net;
  const Tensor w = tensor({2, 0.5, 0.5, 1}, kFloat64);
  const Tensor by_class = tensor({0.5, 2, 2, 1}, kFloat64);  // 0: 2, 1: 0.5, 2: 1
  for (std::int64_t batch_size : {1, 3, 4}) {
    const auto loss = [&](const Tensor& weights, bool divide) {
      return train::evaluate(net, four(),
                             {.batch_size = batch_size,
                              .sample_weight = weights,
                              .divide_by_weights = divide})["loss"];
    };
    EXPECT_NEAR(loss(by_class, false), 1.013497603410811, 1e-13) << "sum w l / n";
    EXPECT_NEAR(loss(by_class, true), 0.7370891661169534, 1e-13)
        << "PyTorch's cross_entropy with weight = [2, 0.5, 1]";
    const auto logs =
        train::evaluate(net, four(),
                        {.batch_size = batch_size,
                         .metrics = {"accuracy"},
                         .sample_weight = w,
                         .weighted_metrics = {train::Metric("weighted", train::Accuracy())}});
    EXPECT_DOUBLE_EQ(logs["accuracy"], 0.75);
    EXPECT_DOUBLE_EQ(logs["weighted"], 3.5 / 4);
  }
}

TEST(FitWeights, AreThoseOfThePlainLoop) {
  for (bool divide : {false, true}) {
    manual_seed(2);
    const Dataset data = classes(30);
    const Tensor sample_weight = rand({30}) + 0.5;
    const Tensor by_class = tensor({2, 1, 0.25});
    nn::Linear a(3, 3), b(3, 3);
    b.load_state(a.state());
    optim::SGD sgd_a(a.parameters(), {.lr = 0.1}), sgd_b(b.parameters(), {.lr = 0.1});
    train::fit(a, data,
               {.epochs = 2,
                .batch_size = 8,
                .optimizer = sgd_a,
                .seed = 4,
                .class_weight = {{0, 2}, {2, 0.25}},
                .sample_weight = sample_weight,
                .divide_by_weights = divide,
                .verbose = Verbose::kSilent});
    // The number of a sample goes through the loader in place of its target.
    const Tensor numbers = tensor(
        [] {
          std::vector<std::int64_t> v(30);
          for (std::size_t i = 0; i < v.size(); ++i) v[i] = static_cast<std::int64_t>(i);
          return v;
        }(),
        {30});
    train::DataLoader loader({data.x, numbers}, {.batch_size = 8, .shuffle = true, .seed = 4});
    for (int epoch = 0; epoch < 2; ++epoch)
      for (auto [x, i] : loader) {
        sgd_b.zero_grad();
        const Tensor y = index_select(data.y, i);
        const Tensor w = index_select(by_class, y) * index_select(sample_weight, i);
        const Tensor losses = cross_entropy(b(x), y, Reduction::kNone) * w;
        (divide ? sum(losses) / sum(w) : mean(losses)).backward();
        sgd_b.step();
      }
    EXPECT_TRUE(close(a.weight().detach(), b.weight().detach().to_vector<double>(), 1e-5, 1e-6));
  }
}

TEST(FitWeights, ValidationTakesItsShareOfTheSampleWeights) {
  manual_seed(3);
  const Dataset data = classes(10);
  const Tensor w = rand({10}) + 0.5;
  nn::Linear net(3, 3);
  const auto history = train::fit(net, data,
                                  {.validation_split = 0.3,
                                   .class_weight = {{0, 5}},
                                   .sample_weight = w,
                                   .verbose = Verbose::kSilent});
  const auto expected =
      train::evaluate(net, data.slice(7, 10), {.sample_weight = slice(w, 0, 7, 10)});
  EXPECT_DOUBLE_EQ(history["val_loss"][0], expected["loss"]) << "without the class weights";
  const auto given = train::fit(net, data.slice(0, 7),
                                {.validation_data = data.slice(7, 10),
                                 .validation_sample_weight = slice(w, 0, 7, 10),
                                 .verbose = Verbose::kSilent});
  const auto again = train::evaluate(net, data.slice(7, 10), {.sample_weight = slice(w, 0, 7, 10)});
  EXPECT_DOUBLE_EQ(given["val_loss"][0], again["loss"]);
}

TEST(FitWeights, TheSplitIsTheEndBeforeShuffling) {
  // The targets of the last two samples have a class of their own, which no training batch sees.
  const Tensor x = randn({10, 3});
  const Tensor y = tensor(std::vector<std::int64_t>{0, 0, 0, 0, 0, 0, 0, 0, 2, 2}, {10});
  nn::Linear net(3, 3);
  const train::Metric twos("twos", [](const Tensor&, const Tensor& target) {
    return mean((target == 2).to(kFloat64)).item();
  });
  const auto history = train::fit(
      net, {x, y}, {.metrics = {twos}, .validation_split = 0.2, .verbose = Verbose::kSilent});
  EXPECT_EQ(history["twos"][0], 0);
  EXPECT_EQ(history["val_twos"][0], 1);
}

TEST(FitWeights, AccumulatedBatchesAreOneLargeOne) {
  manual_seed(5);
  const Dataset data = classes(44);
  nn::Linear a(3, 3), b(3, 3);
  b.load_state(a.state());
  optim::SGD sgd_a(a.parameters(), {.lr = 0.5}), sgd_b(b.parameters(), {.lr = 0.5});
  // 11 batches of 4 in groups of 3, 3, 3, 2 are batches of 12, 12, 12, 8.
  train::fit(a, data,
             {.epochs = 2,
              .batch_size = 4,
              .optimizer = sgd_a,
              .shuffle = false,
              .accumulate = 3,
              .verbose = Verbose::kSilent});
  train::fit(b, data,
             {.epochs = 2,
              .batch_size = 12,
              .optimizer = sgd_b,
              .shuffle = false,
              .verbose = Verbose::kSilent});
  EXPECT_TRUE(close(a.weight().detach(), b.weight().detach().to_vector<double>(), 1e-5, 1e-6));
}

TEST(FitWeights, GradientsAreClippedBeforeTheStep) {
  manual_seed(5);
  const Dataset data = classes(12);
  for (bool norm : {true, false}) {
    nn::Linear a(3, 3), b(3, 3);
    b.load_state(a.state());
    optim::SGD sgd_a(a.parameters(), {.lr = 1}), sgd_b(b.parameters(), {.lr = 1});
    train::FitOptions options{.batch_size = 12,
                              .optimizer = sgd_a,
                              .shuffle = false,
                              .accumulate = 1,
                              .verbose = Verbose::kSilent};
    (norm ? options.clip_norm : options.clip_value) = 0.01;
    train::fit(a, data, options);
    cross_entropy(b(data.x), data.y).backward();
    if (norm)
      optim::clip_grad_norm_(b.parameters(), 0.01);
    else
      optim::clip_grad_value_(b.parameters(), 0.01);
    sgd_b.step();
    EXPECT_TRUE(same_bits(a.weight().detach(), b.weight().detach()));
  }
}

TEST(FitWeights, GoesOnInTheMiddleOfAnEpoch) {
  manual_seed(6);
  const Dataset data = classes(40);
  const Tensor weights = rand({40});
  const State start =
      nn::Sequential(nn::Linear(3, 8), nn::Dropout(0.2), nn::Linear(8, 3)).state().clone();
  for (std::int64_t at : {1, 4, 8}) {  // of 8 batches
    State saved;
    const auto run = [&](std::uint64_t seed, const State* resume) {
      nn::Sequential net(nn::Linear(3, 8), nn::Dropout(0.2), nn::Linear(8, 3));
      net.load_state(start);
      manual_seed(seed);
      const auto history = train::fit(
          net, data,
          {.epochs = 3,
           .batch_size = 4,
           .metrics = {"accuracy", train::RocAuc()},
           .validation_split = 0.2,
           .class_weight = {{1, 3}},
           .sample_weight = weights,
           .weighted_metrics = {train::LogLoss()},
           .verbose = Verbose::kSilent,
           .callbacks = {train::LambdaCallback({.on_batch_end =
                                                    [&](train::FitContext& fit) {
                                                      if (resume == nullptr && fit.epoch == 1 &&
                                                          fit.step == at)
                                                        saved = fit.state().clone();
                                                    }})},
           .resume = resume});
      return std::pair(history.state().values, net.state().clone());
    };
    const auto whole = run(1, nullptr);
    const auto resumed = run(99, &saved);
    EXPECT_EQ(whole.first, resumed.first) << at;
    for (const auto& [name, tensor] : whole.second.tensors)
      EXPECT_TRUE(same_bits(tensor.detach(), resumed.second.find_tensor(name)->detach())) << name;
  }
}

TEST(FitWeights, AfterAnEpochThatWasStoppedTheNextOneBegins) {
  manual_seed(6);
  const Dataset data = classes(12);
  nn::Linear net(3, 3);
  State saved;
  const auto stopped =
      train::fit(net, data,
                 {.epochs = 4,
                  .batch_size = 2,
                  .verbose = Verbose::kSilent,
                  .callbacks = {train::LambdaCallback(
                      {.on_batch_end = [](train::FitContext& fit) { fit.stop = fit.step == 4; }})},
                  .on_epoch_end = [&](train::FitContext& fit) { saved = fit.state().clone(); }});
  EXPECT_EQ(stopped.epochs(), 1);
  std::int64_t batches = 0;
  const auto history = train::fit(net, data,
                                  {.epochs = 3,
                                   .batch_size = 2,
                                   .verbose = Verbose::kSilent,
                                   .callbacks = {train::LambdaCallback(
                                       {.on_batch_end = [&](train::FitContext&) { ++batches; }})},
                                   .resume = &saved});
  EXPECT_EQ(history.epochs(), 3);
  EXPECT_EQ(batches, 12) << "two whole epochs of six batches";
}

TEST(FitWeights, SayWhatDoesNotFit) {
  nn::Linear net(3, 3);
  const Dataset data = classes(8);
  const auto with = [&](train::FitOptions options) {
    options.verbose = Verbose::kSilent;
    train::fit(net, data, options);
  };
  expect_error<ArgumentError>([&] { with({.sample_weight = rand({7})}); },
                              {"[fit] sample_weight is float32 [7]", "[8]"});
  expect_error<ArgumentError>([&] { with({.validation_sample_weight = rand({8})}); },
                              {"[fit] validation_sample_weight is given without"});
  expect_error<ArgumentError>(
      [&] {
        with({.class_weight = {{0, INFINITY}}});
      },
      {"[fit] the weight of class 0 is inf"});
  expect_error<ArgumentError>(
      [&] {
        with({.loss = [](const Tensor& o, const Tensor& t) { return cross_entropy(o, t); },
              .class_weight = {{0, 2}}});
      },
      {"[fit]", "needs the loss of each sample", "Loss(mean, per_sample)"});
  expect_error<ArgumentError>([&] { with({.clip_norm = 1, .clip_value = 1}); },
                              {"[fit] both clip_norm and clip_value"});
  expect_error<ArgumentError>([&] { with({.clip_norm = -1}); }, {"[fit] clip_norm is -1"});
  expect_error<ArgumentError>([&] { with({.accumulate = 0}); }, {"[fit] accumulate is 0"});
  expect_error<ArgumentError>(
      [&] {
        with({.metrics = {"f1", "f1"}});
      },
      {"[fit] two values would be called 'f1'"});
  expect_error<ArgumentError>([&] { with({.validation_split = 0.99}); },
                              {"validation_split is 0.99 of 8 samples", "left for training"});
  State middle;
  const auto keep = [&](train::FitContext& fit) {
    if (fit.step == 1) middle = fit.state().clone();
  };
  with({.batch_size = 2,
        .accumulate = 4,
        .callbacks = {train::LambdaCallback({.on_batch_end = keep})}});
  expect_error<ArgumentError>(
      [&] { with({.batch_size = 2, .accumulate = 2, .resume = &middle}); },
      {"[fit] the state was saved between 4 batches that make one step, accumulate is 2"});
}

TEST(FitWeights, ABatchOfNoWeightChangesNothing) {
  manual_seed(5);
  const Dataset data = classes(12);
  for (const bool divide : {false, true}) {
    Tensor weights = ones({12});
    weights.slice({Slice(0, 4)}).fill_(0);
    nn::Linear net(3, 3);
    const Tensor before = net.weight().detach().clone();
    std::vector<double> after;
    const train::History history = train::fit(
        net, data,
        {.batch_size = 4,
         .optimizer = "sgd(lr=0.1)",
         .shuffle = false,
         .sample_weight = weights,
         .divide_by_weights = divide,
         .verbose = Verbose::kSilent,
         .callbacks = {train::TerminateOnNan(),
                       train::LambdaCallback({.on_batch_end = [&](train::FitContext& fit) {
                         if (fit.step == 1) after = net.weight().to_vector();
                       }})}});
    EXPECT_EQ(after, before.to_vector());
    EXPECT_TRUE(std::isfinite(history["loss"][0]));
    EXPECT_NE(net.weight().to_vector(), after) << "the other batches are trained on";
  }
}

TEST(FitWeights, RefusesWeightsThatAreNoNumbers) {
  nn::Linear net(3, 3);
  expect_error<ArgumentError>(
      [&] { train::fit(net, classes(4), {.sample_weight = full({4}, NAN)}); },
      {"[fit] sample_weight holds NaN or infinite values"});
  const train::Metric taken("val_loss", [](const Tensor&, const Tensor&) { return 7.0; });
  expect_error<ArgumentError>([&] { train::fit(net, classes(4), {.metrics = {taken}}); },
                              {"[fit] a metric is called 'val_loss'"});
}

}  // namespace
}  // namespace catena::test
