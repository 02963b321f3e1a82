// fit, evaluate, predict, metrics, history, progress, and resuming to the same bits.
#include "catena/train/fit.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/activations.hpp"
#include "catena/nn/layers.hpp"
#include "catena/nn/linear.hpp"
#include "catena/nn/sequential.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/loss.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/train/adam.hpp"
#include "catena/train/callbacks.hpp"
#include "catena/train/metrics.hpp"
#include "catena/train/plot.hpp"
#include "catena/train/sgd.hpp"
#include "catena/train/state.hpp"
#include "class_data.hpp"
#include "support.hpp"

namespace catena::test {
namespace {

using train::Dataset;
using train::Verbose;

nn::Sequential dropout_net() {
  return nn::Sequential(nn::Linear(3, 16), nn::ReLU(), nn::Dropout(0.2), nn::Linear(16, 3));
}

TEST(Fit, Learns) {
  manual_seed(1);
  const Dataset data = classes(300), held_out = classes(100);
  nn::Sequential net(nn::Linear(3, 16), nn::ReLU(), nn::Linear(16, 3));
  optim::Adam adam(net.parameters(), {.lr = 0.02});
  const train::History history = train::fit(net, data,
                                            {.epochs = 8,
                                             .batch_size = 32,
                                             .optimizer = adam,
                                             .metrics = {"accuracy"},
                                             .validation_data = held_out,
                                             .verbose = Verbose::kSilent});
  EXPECT_EQ(history.epochs(), 8);
  EXPECT_EQ(history.names(),
            (std::vector<std::string>{"loss", "accuracy", "val_loss", "val_accuracy"}));
  EXPECT_LT(history["loss"].back(), 0.5 * history["loss"].front());
  EXPECT_GT(history["val_accuracy"].back(), 0.85);
  const train::Logs logs = train::evaluate(net, held_out, {.metrics = {"accuracy"}});
  EXPECT_DOUBLE_EQ(logs["accuracy"], history["val_accuracy"].back());
  EXPECT_NEAR(logs["loss"], history["val_loss"].back(), 1e-6);
}

TEST(Fit, IsTheSameAsThePlainLoop) {
  manual_seed(2);
  const Dataset data = classes(50);
  nn::Sequential a = dropout_net(), b = dropout_net();
  b.load_state(a.state());

  manual_seed(7);
  optim::SGD sgd_a(a.parameters(), {.lr = 0.1, .momentum = 0.9});
  train::fit(
      a, data,
      {.epochs = 3, .batch_size = 8, .optimizer = sgd_a, .seed = 4, .verbose = Verbose::kSilent});

  manual_seed(7);
  optim::SGD sgd_b(b.parameters(), {.lr = 0.1, .momentum = 0.9});
  train::DataLoader loader(data, {.batch_size = 8, .shuffle = true, .seed = 4});
  for (int epoch = 0; epoch < 3; ++epoch)
    for (auto [x, y] : loader) {
      sgd_b.zero_grad();
      const Tensor loss = cross_entropy(b(x), y);
      loss.backward();
      sgd_b.step();
    }
  const auto pa = a.parameters(), pb = b.parameters();
  for (std::size_t i = 0; i < pa.size(); ++i)
    EXPECT_TRUE(same_bits(pa[i].detach(), pb[i].detach()));
}

TEST(Fit, ResumesToTheSameBits) {
  manual_seed(3);
  const Dataset data = classes(60);
  const State weights = dropout_net().state().clone();
  const auto train_to = [&](nn::Sequential& net, std::int64_t epochs, const State* resume,
                            State* saved) {
    optim::Adam adam(net.parameters(), {.lr = 0.02});
    return train::fit(net, data,
                      {.epochs = epochs,
                       .batch_size = 16,
                       .optimizer = adam,
                       .metrics = {"accuracy"},
                       .validation_split = 0.2,
                       .verbose = Verbose::kSilent,
                       .on_epoch_end =
                           [&](train::FitContext& end) {
                             if (end.epoch == 3 && saved != nullptr) *saved = end.state().clone();
                           },
                       .resume = resume});
  };
  nn::Sequential whole = dropout_net();
  whole.load_state(weights);
  manual_seed(11);
  State saved;
  const train::History expected = train_to(whole, 7, nullptr, &saved);

  nn::Sequential resumed = dropout_net();
  manual_seed(999);
  const train::History history = train_to(resumed, 7, &saved, nullptr);
  EXPECT_EQ(history.state().values, expected.state().values) << "all epochs are in the history";
  const auto a = whole.parameters(), b = resumed.parameters();
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same_bits(a[i].detach(), b[i].detach()));

  State broken = saved;
  std::erase_if(broken.values, [](const NamedAttr& v) { return v.name == "random.seed"; });
  expect_error<ArgumentError>([&] { train_to(resumed, 7, &broken, nullptr); },
                              {"no value 'random.seed'"});
}

TEST(Fit, StopsWhenACallbackAsksForIt) {
  nn::Sequential net = dropout_net();
  const train::History history = train::fit(
      net, classes(20),
      {.epochs = 50, .verbose = Verbose::kSilent, .on_epoch_end = [](train::FitContext& end) {
         EXPECT_TRUE(end.logs.has("loss"));
         EXPECT_EQ(end.history.epochs(), end.epoch);
         end.stop = end.epoch == 2;
       }});
  EXPECT_EQ(history.epochs(), 2);
}

TEST(Fit, PutsTheModeBack) {
  nn::Sequential net = dropout_net();
  net.eval();
  bool trained = false;
  train::fit(net, classes(8),
             {.loss =
                  [&](const Tensor& output, const Tensor& target) {
                    trained = net[2].is_training();
                    return cross_entropy(output, target);
                  },
              .verbose = Verbose::kSilent});
  EXPECT_TRUE(trained);
  EXPECT_FALSE(net.is_training());
  net.train();
  train::predict(net, randn({4, 3}));
  EXPECT_TRUE(net.is_training());
}

TEST(Fit, RefusesMisspeltNamesAndNamesTheNearest) {
  nn::Sequential net = dropout_net();
  const Dataset data = classes(8);
  expect_error<ArgumentError>(
      [&] { train::fit(net, data, {.metrics = {"acuracy"}}); },
      {"[metric] unknown metric 'acuracy'; did you mean 'accuracy'? available: "
       "accuracy, average_precision, binary_accuracy, f1, log_loss, mae, mse, precision, r2, "
       "recall, rmse, roc_auc, top_k_accuracy",
       "fit_test.cpp"});
  expect_error<ArgumentError>([&] { train::fit(net, data, {.loss = "crossentropy"}); },
                              {"[loss] unknown loss 'crossentropy'", "'cross_entropy'"});
  expect_error<ArgumentError>([&] { train::fit(net, data, {.optimizer = "adamm"}); },
                              {"[fit] unknown optimizer 'adamm'", "'adam'"});
  train::FitOptions options{.verbose = Verbose::kSilent};
  const train::History history = train::fit(net, data, options);
  expect_error<ArgumentError>([&] { static_cast<void>(history["val_loss"]); },
                              {"unknown value 'val_loss'", "available: loss"});
}

TEST(Fit, RefusesWrongOptions) {
  nn::Sequential net = dropout_net();
  const Dataset data = classes(8);
  expect_error<ArgumentError>([&] { train::fit(net, Dataset()); }, {"[fit]", "no samples"});
  expect_error<ArgumentError>([&] { train::fit(net, data, {.epochs = -1}); }, {"epochs is -1"});
  expect_error<ArgumentError>([&] { train::fit(net, data, {.batch_size = 0}); },
                              {"batch_size is 0", "fit_test.cpp"});
  expect_error<ArgumentError>([&] { train::fit(net, data, {.validation_split = 1}); },
                              {"validation_split is 1"});
  expect_error<ArgumentError>(
      [&] { train::fit(net, data, {.validation_data = data, .validation_split = 0.5}); },
      {"give one"});
  expect_error<ArgumentError>(
      [&] {
        NoGrad no_grad;
        train::fit(net, data);
      },
      {"NoGrad"});
  expect_error<ArgumentError>(
      [&] {
        train::fit(net, data, {.loss = [](const Tensor& o, const Tensor&) { return o * 2; }});
      },
      {"the loss is [8, 3]", "scalar"});
}

TEST(Predict, IsTheSameForAnyBatchSize) {
  manual_seed(5);
  nn::Sequential net = dropout_net();
  const Tensor x = randn({10, 3});
  const Tensor whole = train::predict(net, x);
  EXPECT_EQ(whole.shape(), (Shape{10, 3}));
  EXPECT_FALSE(whole.requires_grad());
  EXPECT_TRUE(close(train::predict(net, x, 4), whole.to_vector(), 1e-5, 1e-6));
}

TEST(Metrics, HaveTheirDefinition) {
  const Tensor output =
      tensor({{1.0, 2.0, 0.0}, {3.0, 1.0, 0.0}, {0.0, 0.0, 1.0}, {5.0, 6.0, 7.0}});
  const Tensor labels = tensor(std::vector<std::int64_t>{1, 0, 0, 2}, {4});
  EXPECT_DOUBLE_EQ(train::accuracy(output, labels), 0.75);
  EXPECT_DOUBLE_EQ(train::accuracy(output, labels.to(kInt32)), 0.75);
  const Tensor one_hot =
      tensor({{0.0, 1.0, 0.0}, {1.0, 0.0, 0.0}, {1.0, 0.0, 0.0}, {0.0, 0.0, 1.0}});
  EXPECT_DOUBLE_EQ(train::accuracy(output, one_hot), 0.75);
  const Tensor a = tensor({1.0, -2.0, 3.0, -4.0}), b = tensor({1.0, 0.0, 1.0, 0.0});
  EXPECT_DOUBLE_EQ(train::binary_accuracy(a, b), 1);
  EXPECT_DOUBLE_EQ(train::binary_accuracy(-a, b), 0);
  EXPECT_DOUBLE_EQ(train::mean_squared_error(a, b), (0 + 4 + 4 + 16) / 4.0);
  EXPECT_DOUBLE_EQ(train::mean_absolute_error(a, b), (0 + 2 + 2 + 4) / 4.0);
  expect_error<ArgumentError>([&] { train::accuracy(output, a); },
                              {"[accuracy]", "[4, 3]", "float32 [4]", "binary_accuracy"});
  expect_error<ArgumentError>([&] { train::mean_squared_error(output, a); }, {"[mse]"});
}

TEST(Metrics, AreWeightedByBatchSize) {
  // Ten samples in batches of 4, 4, 2; the metric is the size of the batch.
  nn::Linear net(3, 3);
  const train::Metric size("size", [](const Tensor& output, const Tensor&) {
    return static_cast<double>(output.shape()[0]);
  });
  const auto logs = train::evaluate(net, classes(10), {.batch_size = 4, .metrics = {size}});
  EXPECT_DOUBLE_EQ(logs["size"], (16 + 16 + 4) / 10.0);
}

TEST(History, GoesToACsvFileAndBack) {
  train::History history;
  for (int e = 0; e < 3; ++e) {
    train::Logs logs;
    logs.set("loss", 0.1 / (e + 1));
    logs.set("accuracy", 0.25 * e);
    history.append(logs);
  }
  const std::string path = (std::filesystem::path(::testing::TempDir()) / "h.csv").string();
  history.write_csv(path);
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  EXPECT_EQ(text.str(), "epoch,loss,accuracy\n1,0.1,0\n2,0.05,0.25\n3,0.03333333333333333,0.5\n");
  train::History copy;
  copy.load_state(history.state());
  EXPECT_EQ(copy.state().values, history.state().values);
  train::Logs other;
  other.set("loss", 1);
  expect_error<ArgumentError>([&] { history.append(other); }, {"[history]", "1 values"});
  expect_error<SystemError>([&] { history.write_csv("no/such/folder/h.csv"); },
                            {"no/such/folder/h.csv", "No such file"});
  std::filesystem::remove(path);
}

TEST(History, IsPlotted) {
  train::History history;
  for (int e = 1; e <= 4; ++e) {
    train::Logs logs;
    logs.set("loss", 1.0 / e);
    history.append(logs);
  }
  const std::filesystem::path folder = std::filesystem::path(::testing::TempDir()) / "plot it's";
  std::filesystem::create_directories(folder);
  const std::string picture = train::plot_history(history, folder.string());
  EXPECT_TRUE(std::filesystem::exists(folder / "history.csv"));
  EXPECT_TRUE(std::filesystem::exists(folder / "history.gp"));
  if (!picture.empty()) {
    std::ifstream in(picture);
    std::string first;
    std::getline(in, first);
    EXPECT_NE(first.find("xml"), std::string::npos);
    EXPECT_GT(std::filesystem::file_size(picture), 1000u);
  }
  expect_error<ArgumentError>([&] { train::plot_history(history, folder.string(), {"lss"}); },
                              {"'lss'", "'loss'"});
  std::filesystem::remove_all(folder);
}

std::string train_to_text(Verbose verbose, std::int64_t epochs, std::int64_t log_every) {
  manual_seed(6);
  nn::Sequential net = dropout_net();
  std::ostringstream out;
  train::fit(net, classes(20),
             {.epochs = epochs,
              .batch_size = 8,
              .metrics = {"accuracy"},
              .verbose = verbose,
              .log_every = log_every,
              .out = &out});
  return out.str();
}

TEST(Progress, WritesALinePerEpochWhereThereIsNoTerminal) {
  const std::string text = train_to_text(Verbose::kAuto, 3, 1);
  EXPECT_EQ(std::ranges::count(text, '\n'), 3);
  EXPECT_EQ(text.find('\r'), std::string::npos);
  EXPECT_EQ(text.find('\033'), std::string::npos);
  EXPECT_EQ(text.substr(0, 15), "Epoch 1/3 - 3/3");
  EXPECT_NE(text.find("/step - loss: "), std::string::npos);
  EXPECT_NE(text.find(" - accuracy: 0."), std::string::npos);
  const std::string few = train_to_text(Verbose::kLines, 5, 2);
  EXPECT_EQ(std::ranges::count(few, '\n'), 3) << "epochs 2, 4 and the last: " << few;
  EXPECT_TRUE(train_to_text(Verbose::kSilent, 2, 1).empty());
}

TEST(Progress, RedrawsABarOnATerminal) {
  const std::string text = train_to_text(Verbose::kBar, 2, 1);
  EXPECT_EQ(text.find("Epoch 1/2\n\r"), 0u) << text;
  EXPECT_NE(text.find("\r3/3 \033[32m━━━━━━━━━━━━━━━━━━━━\033[0m"), std::string::npos) << text;
  EXPECT_EQ(std::ranges::count(text, '\n'), 4);
  const std::string total = train_to_text(Verbose::kTotal, 4, 1);
  EXPECT_EQ(std::ranges::count(total, '\n'), 1);
  EXPECT_NE(total.find("\rEpoch 4/4 "), std::string::npos) << total;
}

TEST(Progress, FormatsTimesAndValues) {
  EXPECT_EQ(train::format_duration(59.9), "59s");
  EXPECT_EQ(train::format_duration(65), "1:05");
  EXPECT_EQ(train::format_duration(3723), "1:02:03");
  EXPECT_EQ(train::format_time_per(2.4, "step"), "2s/step");
  EXPECT_EQ(train::format_time_per(0.0042, "step"), "4ms/step");
  EXPECT_EQ(train::format_time_per(35e-6, "epoch"), "35us/epoch");
  train::Logs logs;
  logs.set("loss", 0.12345);
  logs.set("lr", 1e-5);
  logs.set("zero", 0);
  EXPECT_EQ(train::format_logs(logs), " - loss: 0.1235 - lr: 1.0000e-05 - zero: 0.0000");
}

TEST(Fit, AStateSavedAtAnyTimeIsTheWholeState) {
  manual_seed(3);
  const Dataset data = classes(40);
  const State weights = dropout_net().state().clone();
  const auto train_to = [&](train::LambdaHooks hooks, const State* resume) {
    nn::Sequential net = dropout_net();
    net.load_state(weights);
    optim::Adam adam(net.parameters(), {.lr = 0.02});
    manual_seed(11);
    const train::History history = train::fit(net, data,
                                              {.epochs = 3,
                                               .batch_size = 8,
                                               .optimizer = adam,
                                               .validation_split = 0.2,
                                               .verbose = Verbose::kSilent,
                                               .callbacks = {train::LambdaCallback(hooks)},
                                               .resume = resume});
    return history.state().values;
  };
  State at;
  const auto keep = [&](train::FitContext& now) {
    if (now.epoch == 1 && (now.step == 2 || now.step == now.steps)) at = now.state().clone();
  };
  for (const auto& hooks :
       {train::LambdaHooks{.on_batch_begin = keep}, train::LambdaHooks{.on_batch_end = keep},
        train::LambdaHooks{.on_validation_begin = keep},
        train::LambdaHooks{.on_validation_end = keep}}) {
    at = {};
    const auto expected = train_to(hooks, nullptr);
    ASSERT_FALSE(at.values.empty());
    const State state = at;
    EXPECT_EQ(train_to({}, &state), expected);
  }
}

TEST(Fit, AnInterruptedValidationIsMadeUpFor) {
  manual_seed(3);
  const Dataset data = classes(40), held_out = classes(20);
  std::int64_t validated = 0;
  bool by_loader = false;
  State saved;
  const auto train_to = [&](bool interrupt, const State* resume) {
    train::DataLoader loader(held_out, {.batch_size = 4, .shuffle = true, .seed = 9});
    nn::Linear net = (manual_seed(5), nn::Linear(3, 3));
    optim::SGD sgd(net.parameters(), {.lr = 0.1});
    const auto count = [&](const Tensor& o, const Tensor& t) {
      if (!grad_enabled() && ++validated == 3 && interrupt) std::raise(SIGINT);
      return cross_entropy(o, t);
    };
    return train::fit(
        net, data,
        {.epochs = 3,
         .batch_size = 4,
         .loss = count,
         .optimizer = sgd,
         .validation_data = by_loader ? train::ValidationData(loader) : held_out,
         .seed = 4,
         .verbose = Verbose::kSilent,
         .callbacks = {train::Checkpoint(
             {.path = "p",
              .save = [&](const std::string&, const State& s) { saved = s.clone(); }})},
         .resume = resume});
  };
  for (by_loader = false;; by_loader = true) {
    const auto expected = train_to(false, nullptr).state().values;
    validated = 0;
    const train::History broken = train_to(true, nullptr);
    EXPECT_TRUE(broken.interrupted);
    EXPECT_EQ(broken.epochs(), 0) << "the first epoch is not measured yet";
    EXPECT_EQ(validated, 3) << "the two other batches are left";
    const State state = saved;
    validated = 0;
    EXPECT_EQ(train_to(false, &state).state().values, expected);
    EXPECT_EQ(validated, 15) << "three whole validations";
    if (by_loader) break;
  }
}

TEST(Fit, LbfgsFindsTheLeastSquares) {
  manual_seed(2);
  const Tensor x = randn({30, 2}), truth = tensor({{2}, {-3}});
  const Dataset data(x, matmul(x, truth) + 0.5);
  nn::Linear net(2, 1);
  const train::History history = train::fit(net, data,
                                            {.epochs = 3,
                                             .batch_size = 30,
                                             .loss = "mse_loss",
                                             .optimizer = "lbfgs(strong_wolfe=true)",
                                             .verbose = Verbose::kSilent});
  EXPECT_TRUE(close(net.weight(), {2, -3}, 1e-4, 1e-4));
  EXPECT_TRUE(close(net.bias(), {0.5}, 1e-4, 1e-4));
  EXPECT_GT(history["loss"][0], 1) << "the loss before the step counts, once";
  expect_error<ArgumentError>(
      [&] { train::fit(net, data, {.loss = "mse_loss", .optimizer = "lbfgs", .accumulate = 2}); },
      {"[fit] L-BFGS takes its steps on single batches"});
}

TEST(Fit, AccuracyOfProbabilities) {
  const nn::Identity as_it_is;
  nn::Sequential net(as_it_is);
  const Tensor p = tensor({{0.1}, {0.4}, {0.6}, {0.9}}), y = tensor({{0.0}, {0.0}, {1.0}, {1.0}});
  EXPECT_EQ(train::evaluate(net, {p, y}, {.loss = "bce_loss", .metrics = {"accuracy"}})["accuracy"],
            1);
  EXPECT_EQ(
      train::evaluate(net, {p, y},
                      {.loss = "bce_loss", .metrics = {"accuracy(threshold=0.7)"}})["accuracy"],
      0.75);
  EXPECT_EQ(train::evaluate(net, {p, y},
                            {.loss = "bce_with_logits", .metrics = {"accuracy"}})["accuracy"],
            0.5);
}

TEST(Fit, ErrorsOfALossNameTheCallersLine) {
  nn::Linear net(3, 2);
  expect_error<ArgumentError>(
      [&] {
        train::fit(net, {ones({8, 3}), ones({8})}, {.loss = "mse_loss"});
      },
      {"[mse_loss] prediction has shape [8, 2]", "fit_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        train::evaluate(net, Dataset(ones({0, 3}), ones({0})));
      },
      {"[evaluate] there are no samples", "fit_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        train::fit(net, classes(4), {.validation_data = Dataset(ones({0, 3}), ones({0}))});
      },
      {"[fit] validation_data has no samples"});
}

}  // namespace
}  // namespace catena::test
