// Training in one call, Keras-like: sugar over the plain loop
//
//   for (auto [x, y] : loader) {
//     optimizer.zero_grad();
//     Tensor loss = cross_entropy(net(x), y);
//     loss.backward();
//     optimizer.step();
//   }
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/nn/module.hpp"
#include "catena/train/data.hpp"
#include "catena/train/history.hpp"
#include "catena/train/losses.hpp"
#include "catena/train/metrics.hpp"
#include "catena/train/optimizer.hpp"
#include "catena/train/progress.hpp"

namespace catena::train {

// A text for optim::make_optimizer ("adam", "sgd(lr=0.1, momentum=0.9)"), or an optimizer of the
// caller's.
class OptimizerChoice {
 public:
  // Throws ArgumentError with the nearest names when there is none of that name.
  OptimizerChoice(const char* name, std::source_location loc = std::source_location::current());
  OptimizerChoice(optim::Optimizer& own) : own_(&own) {}  // NOLINT: .optimizer = adam

 private:
  friend class FitRun;
  std::string name_;
  optim::Optimizer* own_ = nullptr;
};

// What a callback sees at the end of an epoch.
struct EpochEnd {
  std::int64_t epoch = 0;  // epochs finished
  const Logs& logs;        // of this epoch
  const History& history;
  std::function<State()> state;  // everything needed to resume from here, see train/state.hpp
  bool stop = false;             // set it to end the training
};

struct FitOptions {
  std::int64_t epochs = 1;
  std::int64_t batch_size = 32;
  Loss loss = "cross_entropy";
  OptimizerChoice optimizer = "adam";
  std::vector<Metric> metrics = {};
  // Measured after each epoch as val_loss, val_<metric>.
  Dataset validation_data = {};
  // Instead: this fraction of the data, its end, is kept from training for validation.
  double validation_split = 0;
  bool shuffle = true;
  // Of the data order; unset: from the process generator.
  std::optional<std::uint64_t> seed = {};
  Verbose verbose = Verbose::kAuto;
  std::int64_t log_every = 1;   // epochs per line where there is no terminal
  std::ostream* out = nullptr;  // null: standard output
  std::function<void(EpochEnd&)> on_epoch_end = {};
  // Go on from a state saved by EpochEnd::state; `epochs` stays the number in all.
  const State* resume = nullptr;
};

// Trains `model` in training mode and returns the values of each epoch. The loss of an epoch is the
// mean over its samples while the model was changing.
History fit(nn::Module& model, const Dataset& data, FitOptions options = {},
            std::source_location loc = std::source_location::current());

struct EvaluateOptions {
  std::int64_t batch_size = 256;
  Loss loss = "cross_entropy";
  std::vector<Metric> metrics = {};
};

// "loss" and the metrics over the data, in evaluation mode, without recording.
Logs evaluate(nn::Module& model, const Dataset& data, const EvaluateOptions& options = {},
              std::source_location loc = std::source_location::current());

// The outputs for all samples, in evaluation mode, without recording.
Tensor predict(nn::Module& model, const Tensor& x, std::int64_t batch_size = 256,
               std::source_location loc = std::source_location::current());

}  // namespace catena::train
