// Callbacks of fit: hooks and their order, early stopping, checkpoints, the CSV log, NaN.
#include "catena/train/callbacks.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <future>
#include <sstream>

#include "catena/graph/autograd.hpp"
#include "catena/graph/random.hpp"
#include "catena/nn/linear.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/loss.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/train/fit.hpp"
#include "catena/train/metrics.hpp"
#include "catena/train/sgd.hpp"
#include "class_data.hpp"
#include "support.hpp"
#include "temp_folder.hpp"

namespace catena::test {
namespace {

using train::FitContext;
using train::Verbose;

std::string temporary(const char* name) {
  return (std::filesystem::path(::testing::TempDir()) / name).string();
}
std::string text_of(const std::string& path) {
  std::ifstream in(path);
  std::stringstream text;
  text << in.rdbuf();
  return text.str();
}

// A metric whose value in each epoch is given.
train::Metric scripted(std::vector<double> values) {
  auto epoch = std::make_shared<std::size_t>(0);
  return {"scripted", [epoch, values = std::move(values)](const Tensor&, const Tensor&) {
            return values[(*epoch)++];
          }};
}
// The epochs that training in one batch takes when "scripted" has those values.
std::int64_t epochs_with(std::vector<double> values, train::EarlyStopping& stopping) {
  nn::Linear net(3, 3);
  const auto epochs = static_cast<std::int64_t>(values.size());
  return train::fit(net, classes(8),
                    {.epochs = epochs,
                     .metrics = {scripted(std::move(values))},
                     .verbose = Verbose::kSilent,
                     .callbacks = {stopping}})
      .epochs();
}

TEST(Callbacks, AreCalledInOrder) {
  std::string calls;
  const auto noting = [&](const char* who) {
    const auto note = [&calls, who](const char* what) {
      return [&calls, who, what](FitContext& fit) {
        calls +=
            std::string(who) + what + std::to_string(fit.epoch) + std::to_string(fit.step) + " ";
      };
    };
    return train::LambdaCallback({.on_train_begin = note("T"),
                                  .on_epoch_begin = note("E"),
                                  .on_batch_begin = note("B"),
                                  .on_batch_end = note("b"),
                                  .on_epoch_end = note("e"),
                                  .on_train_end = note("t")});
  };
  nn::Linear net(3, 3);
  train::fit(net, classes(4),
             {.epochs = 2,
              .batch_size = 2,
              .verbose = Verbose::kSilent,
              .callbacks = {noting("x"), noting("y")},
              .on_epoch_end = [&](FitContext&) { calls += "last "; }});
  EXPECT_EQ(calls,
            "xT00 yT00 "
            "xE00 yE00 xB00 yB00 xb01 yb01 xB01 yB01 xb02 yb02 xe10 ye10 last "
            "xE10 yE10 xB10 yB10 xb11 yb11 xB11 yB11 xb12 yb12 xe20 ye20 last "
            "xt20 yt20 ");
}

TEST(Callbacks, SeeTheTraining) {
  nn::Linear net(3, 3);
  optim::SGD sgd(net.parameters(), {.lr = 0.5});
  const auto history = train::fit(
      net, classes(10),
      {.epochs = 2,
       .batch_size = 4,
       .optimizer = sgd,
       .metrics = {"accuracy", train::RocAuc()},
       .validation_split = 0.2,
       .verbose = Verbose::kSilent,
       .callbacks = {train::LambdaCallback({.on_batch_end =
                                                [&](FitContext& fit) {
                                                  EXPECT_EQ(fit.steps, 2);
                                                  EXPECT_TRUE(fit.logs.has("accuracy"));
                                                  EXPECT_FALSE(fit.logs.has("roc_auc"))
                                                      << "it takes long";
                                                  fit.optimizer.set_lr(fit.optimizer.lr() / 2);
                                                },
                                            .on_epoch_end =
                                                [&](FitContext& fit) {
                                                  EXPECT_EQ(fit.history.epochs(), fit.epoch);
                                                  std::vector<std::string> names, in_logs;
                                                  for (const auto& n : fit.names)
                                                    names.push_back(n.name);
                                                  for (const auto& [name, value] : fit.logs)
                                                    in_logs.push_back(name);
                                                  EXPECT_EQ(names, in_logs);
                                                  EXPECT_EQ(names, fit.history.names());
                                                }})}});
  EXPECT_EQ(sgd.lr(), 0.5 / 16);
  EXPECT_EQ(history.names(), (std::vector<std::string>{"loss", "accuracy", "roc_auc", "val_loss",
                                                       "val_accuracy", "val_roc_auc"}));
}

TEST(Callbacks, StopInTheMiddleOfAnEpoch) {
  nn::Linear net(3, 3);
  std::int64_t batches = 0;
  const auto history =
      train::fit(net, classes(12),
                 {.epochs = 3,
                  .batch_size = 2,
                  .verbose = Verbose::kSilent,
                  .callbacks = {train::LambdaCallback({.on_batch_end = [&](FitContext& fit) {
                    ++batches;
                    fit.stop = fit.step == 4;
                  }})}});
  EXPECT_EQ(batches, 4);
  EXPECT_EQ(history.epochs(), 1) << "the epoch counts, with what there was of it";
  EXPECT_FALSE(history.interrupted);
}

TEST(Callbacks, AMisspeltMonitorIsAnError) {
  nn::Linear net(3, 3);
  const auto data = classes(8);
  const auto with = [&](train::CallbackHandle callback) {
    train::fit(net, data,
               {.metrics = {"accuracy", {"own", [](const Tensor&, const Tensor&) { return 1.0; }}},
                .validation_split = 0.5,
                .verbose = Verbose::kSilent,
                .callbacks = {std::move(callback)}});
  };
  expect_error<ArgumentError>(
      [&] { with(train::EarlyStopping({.monitor = "val_acuracy"})); },
      {"[early_stopping] unknown monitor 'val_acuracy'; did you mean 'val_accuracy'",
       "available: loss, accuracy, own, val_loss, val_accuracy, val_own", "callbacks_test.cpp"});
  expect_error<ArgumentError>(
      [&] {
        with(train::Checkpoint({.path = "p",
                                .save = [](const std::string&, const State&) {},
                                .best_only = true,
                                .monitor = "los"}));
      },
      {"[checkpoint] unknown monitor 'los'; did you mean 'loss'"});
  expect_error<ArgumentError>([&] { with(train::EarlyStopping({.mode = "mini"})); },
                              {"[early_stopping] unknown mode 'mini'", "'min'"});
  expect_error<ArgumentError>([&] { with(train::EarlyStopping({.monitor = "own"})); },
                              {"[early_stopping]", "which way 'own' improves", "\"min\""});
  expect_error<ArgumentError>([&] { train::Checkpoint({.path = "p"}); },
                              {"[checkpoint]", ".save = save_checkpoint", "callbacks_test.cpp"});
  expect_error<ArgumentError>(
      [&] { train::Checkpoint({.path = "", .save = [](const std::string&, const State&) {}}); },
      {"[checkpoint] there is no path"});
}

// Expected numbers: Keras's EarlyStopping, by its rules.
TEST(EarlyStopping, HasPatience) {
  train::EarlyStopping two({.monitor = "scripted", .patience = 2, .mode = "min"});
  EXPECT_EQ(epochs_with({5, 4, 4, 3, 3, 3, 1}, two), 6);
  EXPECT_EQ(two.best(), 3);
  EXPECT_EQ(two.best_epoch(), 4);
  EXPECT_TRUE(two.stopped());
  EXPECT_EQ(epochs_with({5, 4, 3}, two), 3) << "the object serves a second training";
  EXPECT_FALSE(two.stopped());

  train::EarlyStopping none({.monitor = "scripted", .mode = "max"});
  EXPECT_EQ(epochs_with({1, 2, 2, 9}, none), 3);
  train::EarlyStopping delta({.monitor = "scripted", .min_delta = 0.5, .mode = "max"});
  EXPECT_EQ(epochs_with({1, 2, 2.5, 9}, delta), 3) << "more than min_delta is asked for";
  train::EarlyStopping nan({.monitor = "scripted", .patience = 2, .mode = "min"});
  EXPECT_EQ(epochs_with({NAN, NAN, NAN, 1}, nan), 2);
  train::EarlyStopping late(
      {.monitor = "scripted", .patience = 1, .mode = "min", .start_from_epoch = 3});
  EXPECT_EQ(epochs_with({1, 2, 3, 4, 5, 6}, late), 5);
  train::EarlyStopping baseline(
      {.monitor = "scripted", .patience = 2, .mode = "min", .baseline = 2.0});
  EXPECT_EQ(epochs_with({5, 4, 4, 1}, baseline), 3)
      << "improvements that stay above the baseline do not start the patience anew";
}

TEST(EarlyStopping, RestoresTheBestWeights) {
  nn::Linear net(3, 3);
  State best;
  const std::vector<double> values = {1, 3, 2, 2, 2};
  train::fit(
      net, classes(8),
      {.epochs = 5,
       .metrics = {scripted(values)},
       .verbose = Verbose::kSilent,
       .callbacks = {train::EarlyStopping(
           {.monitor = "scripted", .patience = 2, .mode = "max", .restore_best_weights = true})},
       .on_epoch_end = [&](FitContext& fit) {
         if (fit.epoch == 2) best = net.state().clone();
       }});
  for (const auto& [name, tensor] : net.state().tensors)
    EXPECT_TRUE(same_bits(tensor.detach(), best.find_tensor(name)->detach())) << name;
}

TEST(Checkpoint, SavesWhenItIsDue) {
  nn::Linear net(3, 3);
  std::vector<std::string> saved;
  const auto note = [&](const std::string& path, const State& state) {
    EXPECT_EQ(path, "at " + std::to_string(state.get<std::int64_t>("epoch")));
    saved.push_back(path);
  };
  const auto saved_with = [&](train::CheckpointOptions options, std::vector<double> values) {
    options.path = "at {epoch}";
    options.save = note;
    saved.clear();
    const auto epochs = static_cast<std::int64_t>(values.size());
    train::fit(net, classes(8),
               {.epochs = epochs,
                .metrics = {scripted(std::move(values))},
                .verbose = Verbose::kSilent,
                .callbacks = {train::Checkpoint(options)}});
    return saved;
  };
  using Paths = std::vector<std::string>;
  EXPECT_EQ(saved_with({}, {1, 1, 1}), (Paths{"at 1", "at 2", "at 3"}));
  EXPECT_EQ(saved_with({.every = 2}, {1, 1, 1, 1, 1}), (Paths{"at 2", "at 4", "at 5"}));
  EXPECT_EQ(saved_with({.every = 0}, {1, 1}), Paths{});
  EXPECT_EQ(
      saved_with({.best_only = true, .monitor = "scripted", .mode = "max"}, {1, 0, 1, 2, NAN}),
      (Paths{"at 1", "at 4"}));
  expect_error<ArgumentError>([&] { saved_with({.every = -1}, {1}); }, {"every is -1"});
}

TEST(Checkpoint, AnInterruptionLeavesWhatIsGood) {
  manual_seed(4);
  const auto data = classes(12);
  using Paths = std::vector<std::string>;
  std::string said;
  // Interrupted after 2 of the second epoch's 3 batches.
  const auto saved_with = [&](train::CheckpointOptions options, bool is_lost) {
    Paths saved;
    std::int64_t calls = 0;
    options.path = "at {epoch}";
    options.save = [&](const std::string& path, const State&) { saved.push_back(path); };
    const auto loss = [&](const Tensor& o, const Tensor& t) {
      const Tensor value = cross_entropy(o, t);
      if (++calls < 5) return value;
      std::raise(SIGINT);
      return is_lost ? value * NAN : value;
    };
    nn::Linear net(3, 3);
    std::ostringstream out;
    train::fit(net, data,
               {.epochs = 3,
                .batch_size = 4,
                .loss = loss,
                .out = &out,
                .callbacks = {train::Checkpoint(options)}});
    said = out.str();
    return saved;
  };
  EXPECT_EQ(saved_with({}, false), (Paths{"at 1", "at 1_interrupted"}));
  EXPECT_NE(said.find("load_checkpoint(\"at 1_interrupted\")"), std::string::npos) << said;
  EXPECT_EQ(saved_with({}, true), Paths{"at 1"}) << "NaN is not saved over what is good";
  EXPECT_NE(said.find("load_checkpoint(\"at 1\")"), std::string::npos) << said;
  EXPECT_EQ(saved_with({.best_only = true, .monitor = "loss"}, false), Paths{"at 1"});
  EXPECT_NE(said.find("load_checkpoint(\"at 1\")"), std::string::npos) << said;
}

TEST(Checkpoint, KeepsTheNewestFiles) {
  const TempFolder folder;
  const auto path = [&](const std::string& name) { return folder.path() + "/" + name; };
  for (const bool async : {false, true}) {
    nn::Linear net(3, 3);
    const auto write = [](const std::string& to, const State&) { std::ofstream(to) << "saved"; };
    train::fit(net, classes(8),
               {.epochs = 5,
                .metrics = {scripted({1, 3, 2, 1, 0})},
                .verbose = Verbose::kSilent,
                .callbacks = {
                    train::Checkpoint(
                        {.path = path("epoch{epoch}"), .save = write, .keep = 2, .async = async}),
                    train::Checkpoint({.path = path("best"),
                                       .save = write,
                                       .async = async,
                                       .best_only = true,
                                       .monitor = "scripted",
                                       .mode = "max"})}});
    std::vector<std::string> there;
    for (const auto& entry : std::filesystem::directory_iterator(folder.path())) {
      there.push_back(entry.path().filename().string());
      std::filesystem::remove(entry.path());
    }
    std::sort(there.begin(), there.end());
    EXPECT_EQ(there, (std::vector<std::string>{"best", "epoch4", "epoch5"})) << async;
  }
  const auto nothing = [](const std::string&, const State&) {};
  expect_error<ArgumentError>(
      [&] { train::Checkpoint({.path = "{epoch}", .save = nothing, .keep = -1}); },
      {"keep is -1", "files >= 0"});
  expect_error<ArgumentError>(
      [&] { train::Checkpoint({.path = "last", .save = nothing, .keep = 3}); },
      {"keep is 3", "'last'", "{epoch}"});
}

TEST(Checkpoint, WritesWhileTheTrainingGoesOn) {
  const auto data = classes(8);
  const auto states = [&](bool async) {
    manual_seed(3);
    nn::Linear net(3, 3);
    std::vector<State> saved;
    std::promise<void> second_epoch;
    std::shared_future<void> begun = second_epoch.get_future().share();
    train::fit(net, data,
               {.epochs = 3,
                .verbose = Verbose::kSilent,
                .callbacks = {train::Checkpoint(
                                  {.path = "p",
                                   .save =
                                       [&, async, begun](const std::string&, const State& state) {
                                         // The first file is written only when training went on.
                                         if (async && saved.empty()) begun.wait();
                                         saved.push_back(state.clone());
                                       },
                                   .async = async}),
                              train::LambdaCallback({.on_batch_end = [&](FitContext& fit) {
                                if (fit.epoch == 1 && fit.step == 1) second_epoch.set_value();
                              }})}});
    return saved;
  };
  const std::vector<State> plain = states(false), async = states(true);
  ASSERT_EQ(plain.size(), 3u);
  ASSERT_EQ(async.size(), 3u);
  for (std::size_t k = 0; k < 3; ++k)
    for (const auto& [name, tensor] : plain[k].tensors)
      EXPECT_TRUE(same_bits(tensor.detach(), async[k].find_tensor(name)->detach()))
          << name << " after epoch " << k + 1;
}

TEST(Checkpoint, SaysLaterWhatWentWrongInItsThread) {
  nn::Linear net(3, 3);
  int calls = 0;
  const auto run = [&](std::int64_t epochs) {
    calls = 0;
    train::fit(net, classes(8),
               {.epochs = epochs,
                .verbose = Verbose::kSilent,
                .callbacks = {train::Checkpoint({.path = "p",
                                                 .save =
                                                     [&](const std::string&, const State&) {
                                                       ++calls;
                                                       throw SystemError("the disk is full");
                                                     },
                                                 .async = true})}});
  };
  expect_error<SystemError>([&] { run(1); }, {"the disk is full"});
  expect_error<SystemError>([&] { run(5); }, {"the disk is full"});
  EXPECT_EQ(calls, 1) << "nothing more is written after a failure";
}

TEST(Checkpoint, HoldsWhatTheOtherCallbacksDid) {
  // The checkpoint is given first and stands for the epoch in which patience ends.
  const auto data = classes(8);
  State state;
  nn::Linear net(3, 3);
  const auto run = [&](std::vector<double> values, std::int64_t epochs, const State* resume) {
    return train::fit(net, data,
                      {.epochs = epochs,
                       .metrics = {scripted(std::move(values))},
                       .verbose = Verbose::kSilent,
                       .callbacks = {train::Checkpoint(
                                         {.path = "p",
                                          .save = [&](const std::string&,
                                                      const State& s) { state = s.clone(); }}),
                                     train::EarlyStopping(
                                         {.monitor = "scripted", .patience = 2, .mode = "min"})},
                       .resume = resume})
        .epochs();
  };
  EXPECT_EQ(run({1, 2}, 2, nullptr), 2);
  const State half = state;
  EXPECT_EQ(run({2, 2, 2}, 9, &half), 3) << "one bad epoch before the break, one after it";
  const State ended = state;
  EXPECT_EQ(run({}, 9, &ended), 3) << "it had come to its end";
}

TEST(CsvLog, WritesEachEpoch) {
  nn::Linear net(3, 3);
  const auto data = classes(8);
  const std::string path = temporary("log.csv"), again = temporary("again.csv");
  State state;
  std::int64_t lines = 0;
  const auto history = train::fit(net, data,
                                  {.epochs = 3,
                                   .verbose = Verbose::kSilent,
                                   .callbacks = {train::CsvLog(path)},
                                   .on_epoch_end = [&](FitContext& fit) {
                                     const std::string text = text_of(path);
                                     lines = std::ranges::count(text, '\n');
                                     EXPECT_EQ(lines, fit.epoch + 1);
                                     if (fit.epoch == 2) state = fit.state().clone();
                                   }});
  history.write_csv(again);
  EXPECT_EQ(text_of(path), text_of(again));
  train::fit(net, data,
             {.epochs = 3,
              .verbose = Verbose::kSilent,
              .callbacks = {train::CsvLog(again)},
              .resume = &state});
  EXPECT_EQ(std::ranges::count(text_of(again), '\n'), 4) << "all epochs, none twice";
  expect_error<SystemError>(
      [&] {
        train::fit(
            net, data,
            {.verbose = Verbose::kSilent, .callbacks = {train::CsvLog("no/such/folder/log.csv")}});
      },
      {"no/such/folder/log.csv", "No such file"});
  std::filesystem::remove(path);
  std::filesystem::remove(again);
}

TEST(TerminateOnNan, EndsTheTraining) {
  nn::Linear net(3, 3);
  std::int64_t calls = 0, saves = 0;
  std::ostringstream out;
  const auto history = train::fit(
      net, classes(12),
      {.epochs = 4,
       .batch_size = 4,
       .loss =
           [&](const Tensor& o, const Tensor& t) {
             const Tensor loss = cross_entropy(o, t);
             return ++calls == 5 ? loss * NAN : loss;
           },
       .out = &out,
       .callbacks = {train::TerminateOnNan(),
                     train::Checkpoint({.path = "p", .save = [&](const std::string&, const State&) {
                                          ++saves;
                                        }})}});
  EXPECT_EQ(calls, 5);
  EXPECT_EQ(history.epochs(), 2);
  EXPECT_TRUE(std::isnan(history["loss"].back()));
  EXPECT_EQ(saves, 1) << "what is lost is not saved over what is not";
  EXPECT_NE(out.str().find("The loss is nan in epoch 2 after batch 2"), std::string::npos)
      << out.str();
}

}  // namespace
}  // namespace catena::test
