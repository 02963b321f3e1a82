// fit, evaluate and predict on loaders of the caller's: items, workers, streams.
#include <gtest/gtest.h>

#include <sstream>

#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/mode_guard.hpp"
#include "catena/nn/normalization.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/all.hpp"
#include "catena/train/callbacks.hpp"
#include "catena/train/fit.hpp"
#include "catena/train/sgd.hpp"
#include "class_data.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::DataLoader;
using train::Dataset;
using train::FitOptions;
using train::Sample;
using train::Verbose;

// Samples of a data set one after the other, of which nobody knows how many there are.
class Stream : public train::StreamDataset {
 public:
  explicit Stream(Dataset data) : data_(std::move(data)) {}
  train::SampleStream open(int, std::int64_t) const override {
    return [this, i = std::int64_t{0}]() mutable -> std::optional<Sample> {
      if (i == data_.size()) return std::nullopt;
      const Dataset one = data_.slice(i, i + 1);
      ++i;
      return Sample{squeeze(one.x, {0}), squeeze(one.y, {0})};
    };
  }

 private:
  Dataset data_;
};

nn::Linear net() { return (manual_seed(5), nn::Linear(3, 3)); }

// The weights after a training.
template <class Data>
std::vector<double> trained(Data&& data, FitOptions options) {
  nn::Linear model = net();
  optim::SGD sgd(model.parameters(), {.lr = 0.1, .momentum = 0.9});
  options.optimizer = sgd;
  options.verbose = Verbose::kSilent;
  train::fit(model, data, std::move(options));
  return model.weight().to_vector();
}

TEST(FitLoader, IsTheSameAsWithADataset) {
  manual_seed(1);
  const Dataset data = classes(50);
  const std::vector<double> expected = trained(
      data, {.epochs = 3, .batch_size = 8, .seed = 4, .class_weight = {{1, 3.0}}, .accumulate = 3});
  for (const int workers : {0, 2}) {
    DataLoader loader(train::items(data),
                      {.batch_size = 8, .shuffle = true, .seed = 4, .workers = workers});
    EXPECT_EQ(trained(loader, {.epochs = 3, .class_weight = {{1, 3.0}}, .accumulate = 3}),
              expected);
    EXPECT_EQ(loader.epoch(), 3);
  }
}

TEST(FitLoader, StreamsOfUnknownLength) {
  manual_seed(1);
  const Dataset data = classes(50);
  for (const std::int64_t accumulate : {1, 3}) {
    DataLoader stream(std::make_shared<Stream>(data), {.batch_size = 8});
    EXPECT_EQ(
        trained(stream, {.epochs = 2, .accumulate = accumulate}),
        trained(data, {.epochs = 2, .batch_size = 8, .shuffle = false, .accumulate = accumulate}));
  }
}

TEST(FitLoader, ProgressOfAStream) {
  manual_seed(1);
  const Dataset data = classes(50);
  DataLoader stream(std::make_shared<Stream>(data), {.batch_size = 8});
  std::ostringstream lines, bars;
  nn::Linear model = net();
  train::fit(model, stream, {.epochs = 2, .verbose = Verbose::kLines, .out = &lines});
  EXPECT_NE(lines.str().find("Epoch 2/2 - 7/Unknown - "), std::string::npos) << lines.str();
  train::fit(model, stream, {.verbose = Verbose::kBar, .out = &bars});
  EXPECT_NE(bars.str().find("\r7/Unknown 0s "), std::string::npos) << bars.str();
}

TEST(FitLoader, ValidationEvaluationPrediction) {
  manual_seed(1);
  const Dataset data = classes(50), held_out = classes(21);
  DataLoader loader(data, {.batch_size = 8}), validation(train::items(held_out), {.batch_size = 4});
  nn::Linear model = net();
  const train::History history = train::fit(model, loader,
                                            {.epochs = 2,
                                             .metrics = {"accuracy"},
                                             .validation_data = validation,
                                             .verbose = Verbose::kSilent});
  const train::Logs from_tensors =
      train::evaluate(model, held_out, {.batch_size = 4, .metrics = {"accuracy"}});
  const train::Logs from_loader = train::evaluate(model, validation, {.metrics = {"accuracy"}});
  for (const char* name : {"loss", "accuracy"}) {
    EXPECT_DOUBLE_EQ(from_loader[name], from_tensors[name]);
    EXPECT_DOUBLE_EQ(history["val_" + std::string(name)].back(), from_tensors[name]);
  }
  EXPECT_TRUE(same_bits(train::predict(model, validation), train::predict(model, held_out.x, 4)));
}

TEST(FitLoader, ResumesToTheSameBits) {
  manual_seed(1);
  const Dataset data = classes(50);
  const auto train_to = [&](std::int64_t epochs, const State* resume, State* saved) {
    DataLoader loader(std::make_shared<Stream>(data),
                      {.batch_size = 8, .shuffle = true, .seed = 3, .shuffle_buffer = 20});
    const auto keep = [&](train::FitContext& now) {
      if (saved != nullptr && now.epoch == 1 && now.step == 2) *saved = now.state().clone();
    };
    return trained(loader, {.epochs = epochs,
                            .accumulate = 3,
                            .callbacks = {train::LambdaCallback({.on_batch_end = keep})},
                            .resume = resume});
  };
  State middle;  // of an epoch, and of the batches that make one step
  const std::vector<double> expected = train_to(3, nullptr, &middle);
  EXPECT_EQ(train_to(3, &middle, nullptr), expected);
}

TEST(FitLoader, PartsInEvaluationModeStayInIt) {
  manual_seed(1);
  nn::BatchNorm1d frozen(3), adapting(3);
  nn::Sequential model(frozen, adapting, nn::Linear(3, 3));
  frozen.eval();
  const std::vector<double> before = frozen.running_mean().to_vector();
  train::fit(model, classes(40),
             {.epochs = 1, .validation_split = 0.2, .verbose = Verbose::kSilent});
  EXPECT_FALSE(frozen.is_training());
  EXPECT_TRUE(adapting.is_training());
  EXPECT_EQ(frozen.running_mean().to_vector(), before);
  EXPECT_NE(adapting.running_mean().to_vector(), before);
  {
    const nn::ModeGuard training(model, true);
    EXPECT_TRUE(frozen.is_training());
  }
  EXPECT_FALSE(frozen.is_training());
}

TEST(FitLoader, RefusesWhatTheLoaderDecides) {
  const Dataset data = classes(8);
  DataLoader loader(data);
  const auto with = [&](FitOptions options) {
    expect_error<ArgumentError>([&] { trained(loader, std::move(options)); }, {"with a loader"});
  };
  with({.batch_size = 4});
  with({.shuffle = false});
  with({.seed = 1});
  with({.validation_split = 0.5});
  with({.sample_weight = ones({8})});
  nn::Linear model = net();
  expect_error<ArgumentError>([&] { train::evaluate(model, loader, {.sample_weight = ones({8})}); },
                              {"[evaluate] sample_weight is given with a loader"});
  DataLoader no_targets(train::items(std::vector<Sample>{{ones({3}), {}}}));
  expect_error<ArgumentError>([&] { trained(no_targets, {}); },
                              {"[fit] the samples have no targets", "fit_loader_test.cpp"});
  EXPECT_EQ(train::predict(model, no_targets).shape(), (Shape{1, 3}));
  DataLoader nothing(std::make_shared<Stream>(data.slice(0, 0)));
  expect_error<ArgumentError>([&] { trained(nothing, {}); },
                              {"[fit] there is no batch to train on"});
}

}  // namespace
}  // namespace catena::test
