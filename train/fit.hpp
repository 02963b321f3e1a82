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
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/nn/module.hpp"
#include "catena/train/callback.hpp"
#include "catena/train/data.hpp"
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
  // Throws ArgumentError with the nearest names when there is none of that name.
  OptimizerChoice(const char* name, std::source_location loc = std::source_location::current());
  OptimizerChoice(optim::Optimizer& own) : own_(&own) {}  // NOLINT: .optimizer = adam

 private:
  friend class FitRun;
  std::string name_;
  optim::Optimizer* own_ = nullptr;
};

struct FitOptions {
  std::int64_t epochs = 1;
  std::int64_t batch_size = 32;
  Loss loss = "cross_entropy";
  OptimizerChoice optimizer = "adam";
  std::vector<Metric> metrics = {};
  // Measured after each epoch as val_loss, val_<metric>.
  Dataset validation_data = {};
  // Instead: this fraction of the data, its end as it is before shuffling, is kept for validation.
  double validation_split = 0;
  bool shuffle = true;
  // Of the data order; unset: from the process generator.
  std::optional<std::uint64_t> seed = {};

  // --- Weights of samples: a batch's loss is sum w l / n, as Keras has it ---
  // Weight by class, 1 for those not named; not for validation.
  std::map<std::int64_t, double> class_weight = {};
  // [n], and of the validation data.
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
  // Ctrl-C ends the training after the step under way instead of the process; a second one ends the
  // process. The handling of SIGINT is put back when fit returns.
  bool interruptible = true;
};

// Trains `model` in training mode and returns the values of each epoch. The loss of an epoch is the
// mean over its samples while the model was changing.
History fit(nn::Module& model, const Dataset& data, FitOptions options = {},
            std::source_location loc = std::source_location::current());

struct EvaluateOptions {
  std::int64_t batch_size = 256;
  Loss loss = "cross_entropy";
  std::vector<Metric> metrics = {};
  // As in FitOptions.
  Tensor sample_weight = {};
  bool divide_by_weights = false;
  std::vector<Metric> weighted_metrics = {};
};

// "loss" and the metrics over the data, in evaluation mode, without recording.
Logs evaluate(nn::Module& model, const Dataset& data, const EvaluateOptions& options = {},
              std::source_location loc = std::source_location::current());

// The outputs for all samples, in evaluation mode, without recording.
Tensor predict(nn::Module& model, const Tensor& x, std::int64_t batch_size = 256,
               std::source_location loc = std::source_location::current());

}  // namespace catena::train
