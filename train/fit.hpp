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
#include <map>
#include <optional>
#include <source_location>
#include <string>
#include <utility>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/nn/module.hpp"
#include "catena/train/callback.hpp"
#include "catena/train/data.hpp"
#include "catena/train/evaluate.hpp"
#include "catena/train/history.hpp"
#include "catena/train/losses.hpp"
#include "catena/train/metric.hpp"
#include "catena/train/optimizer.hpp"
#include "catena/train/progress.hpp"

namespace catena::train {

// A text for optim::make_optimizer ("adam", "sgd(lr=0.1, momentum=0.9)"), or an optimizer of the
// caller's.
class OptimizerChoice {
 public:
  // Throw ArgumentError with the nearest names when there is none of that name.
  OptimizerChoice(const char* name, std::source_location loc = std::source_location::current());
  OptimizerChoice(const std::string& name,
                  std::source_location loc = std::source_location::current())
      : OptimizerChoice(name.c_str(), loc) {}
  OptimizerChoice(optim::Optimizer& own) : own_(&own) {}  // NOLINT: .optimizer = adam

 private:
  friend class FitRun;
  std::string name_;
  optim::Optimizer* own_ = nullptr;
};

// What is measured after each epoch: samples in memory, the batches of a loader of the caller's, or
// nothing.
class ValidationData {
 public:
  ValidationData() = default;
  ValidationData(Dataset data) : data_(std::move(data)) {}  // NOLINT: .validation_data = held_out
  ValidationData(Tensor samples, Tensor targets,
                 std::source_location loc = std::source_location::current())
      : data_(std::move(samples), std::move(targets), loc) {}
  ValidationData(DataLoader& loader) : loader_(&loader) {}  // NOLINT: .validation_data = loader

  bool defined() const { return data_.defined() || loader_ != nullptr; }
  const Dataset& data() const { return data_; }
  DataLoader* loader() const { return loader_; }  // null: none

 private:
  Dataset data_;
  DataLoader* loader_ = nullptr;
};

struct FitOptions {
  std::int64_t epochs = 1;
  // 32 unless given. With a loader of the caller's: not to be given.
  std::optional<std::int64_t> batch_size = {};
  Loss loss = "cross_entropy";
  OptimizerChoice optimizer = "adam";
  std::vector<Metric> metrics = {};
  // Measured after each epoch as val_loss, val_<metric>.
  ValidationData validation_data = {};
  // Instead: this fraction of the data, its end as it is before shuffling, is kept for validation.
  // For a Dataset only.
  double validation_split = 0;
  // Each epoch has a new order unless this is false. With a loader of the caller's: not to be
  // given.
  std::optional<bool> shuffle = {};
  // Leave out a last batch that is smaller than the others, e.g. one that is too small for batch
  // norm. With a loader: not to be given.
  bool drop_last = false;
  // Of the data order; unset: from the process generator. With a loader: not to be given.
  std::optional<std::uint64_t> seed = {};

  // --- Weights of samples: a batch's loss is sum w l / n, as Keras has it ---
  // Weight by class, 1 for those not named; not for validation.
  std::map<std::int64_t, double> class_weight = {};
  // [n], and of the validation data; both for a Dataset only.
  Tensor sample_weight = {}, validation_sample_weight = {};
  // sum w l / sum w instead, as PyTorch's losses with weights have it.
  bool divide_by_weights = false;
  // Metrics that take the weights; `metrics` leave them aside.
  std::vector<Metric> weighted_metrics = {};

  // --- Gradients ---
  // Batches whose gradients are averaged for one step of the optimizer.
  std::int64_t accumulate = 1;
  // Before each step the gradients are kept within these bounds: optim::clip_grad_norm_ (2-norm of
  // all), or optim::clip_grad_value_; 0: none.
  double clip_norm = 0, clip_value = 0;

  Verbose verbose = Verbose::kAuto;
  std::int64_t log_every = 1;   // epochs per line where there is no terminal
  std::ostream* out = nullptr;  // null: standard output

  std::vector<CallbackHandle> callbacks = {};
  // Short for a LambdaCallback after the others.
  std::function<void(FitContext&)> on_epoch_end = {};
  // Go on from a state saved by FitContext::state or Checkpoint; `epochs` stays the number in all.
  const State* resume = nullptr;
  // Ctrl-C ends the training after the step under way instead of the process (during validation
  // after a batch of it; a resumed training validates anew); a second one ends the process. The
  // handling of SIGINT is put back when fit returns.
  bool interruptible = true;
};

// Trains `model` and returns the values of each epoch. The loss of an epoch is the mean over its
// samples while the model was changing. The model is in training mode meanwhile; parts that were
// put into evaluation mode by themselves (a batch norm that is not to adapt) stay in it. Batches
// are moved to the device of the model's parameters.
History fit(nn::Module& model, const Dataset& data, FitOptions options = {},
            std::source_location loc = std::source_location::current());
// On what a loader hands out: pictures read by its workers, padded sequences, the draws of a
// sampler, a stream. The loader goes on with its own epochs.
History fit(nn::Module& model, DataLoader& loader, FitOptions options = {},
            std::source_location loc = std::source_location::current());

}  // namespace catena::train
