// Averaged weights during fit: validated, kept through a break, and what the model ends with.
#include "catena/train/average_weights.hpp"

#include <gtest/gtest.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/linear.hpp"
#include "catena/ops/all.hpp"
#include "catena/train/callbacks.hpp"
#include "catena/train/fit.hpp"
#include "catena/train/sgd.hpp"
#include "class_data.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::AverageWeights;
using train::FitContext;
using train::Verbose;

struct Trained {
  std::vector<double> weight, val_loss;
};

// 3 epochs of 5 batches.
Trained train_with(train::AverageWeightsOptions options, const State* resume = nullptr,
                   train::LambdaHooks hooks = {}) {
  manual_seed(3);
  const train::Dataset data = classes(40), held_out = classes(10);
  nn::Linear net(3, 3);
  optim::SGD sgd(net.parameters(), {.lr = 0.5});
  const train::History history =
      train::fit(net, data,
                 {.epochs = 3,
                  .batch_size = 8,
                  .optimizer = sgd,
                  .validation_data = held_out,
                  .verbose = Verbose::kSilent,
                  .callbacks = {AverageWeights(options), train::LambdaCallback(std::move(hooks))},
                  .resume = resume});
  return {net.weight().to_vector(), history["val_loss"]};
}

TEST(AverageWeights, AreTheMeanAndAreWhatIsValidated) {
  for (const char* per : {"step", "epoch"}) {
    std::vector<Tensor> seen;  // the weights that count
    std::vector<std::vector<double>> validated;
    const Trained trained = train_with(
        {.per = per, .start_epoch = 1}, nullptr,
        {.on_batch_end =
             [&](FitContext& fit) {
               const bool counts = std::string(per) == "step" || fit.step == fit.steps;
               if (fit.epoch >= 1 && counts)
                 seen.push_back(fit.model.parameters()[0].detach().clone());
             },
         .on_validation_begin =
             [&](FitContext& fit) { validated.push_back(fit.model.parameters()[0].to_vector()); }});
    ASSERT_EQ(seen.size(), std::string(per) == "step" ? 10U : 2U);
    const std::vector<double> expected = mean(stack(seen), {0}).to_vector();
    EXPECT_TRUE(close(tensor(trained.weight, {9}), expected, 1e-5, 1e-6));
    ASSERT_EQ(validated.size(), 3U);
    EXPECT_EQ(validated[2], trained.weight) << "the averages stood in during validation";
  }
}

TEST(AverageWeights, GoOnThroughABreak) {
  for (const char* per : {"step", "epoch"})
    for (const std::int64_t step : {2, 5}) {
      const train::AverageWeightsOptions options{.decay = 0.8, .per = per};
      State middle;
      const Trained whole = train_with(options, nullptr, {.on_batch_end = [&](FitContext& fit) {
                                         if (fit.epoch == 1 && fit.step == step)
                                           middle = fit.state().clone();
                                       }});
      const Trained resumed = train_with(options, &middle);
      EXPECT_EQ(resumed.weight, whole.weight) << per << " " << step;
      EXPECT_EQ(resumed.val_loss, whole.val_loss) << per << " " << step;
    }
}

TEST(AverageWeights, RefuseAnotherTime) {
  expect_error<ArgumentError>([] { AverageWeights({.per = "batch"}); },
                              {"[average_weights] unknown per 'batch'", "step, epoch"});
}

}  // namespace
}  // namespace catena::test
