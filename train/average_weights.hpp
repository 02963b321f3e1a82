// Averaged weights as a callback of fit.
#pragma once

#include <cstdint>
#include <optional>
#include <source_location>
#include <string>

#include "catena/train/averaging.hpp"
#include "catena/train/callback.hpp"

namespace catena::train {

struct AverageWeightsOptions {
  std::optional<double> decay = {};  // see optim::AveragingOptions; unset: the plain mean (SWA)
  // When the parameters are taken in: after each step of the optimizer ("step"), or "epoch".
  std::string per = "step";
  std::int64_t start_epoch = 0;  // epochs finished before the first is taken in
};

// Averages the parameters during a training (optim::AveragedParameters). Validation is of the
// averages, the training goes on with its own parameters, and the model ends with the averages
// unless the training was interrupted. The running statistics of a batch norm are not averaged; see
// optim::update_batch_norm. Beside an EarlyStopping that restores the best weights the averages
// win: they are put in last.
class AverageWeights : public Callback {
 public:
  using Location = std::source_location;
  // Throws ArgumentError for another `per`.
  explicit AverageWeights(AverageWeightsOptions options = {}, Location loc = Location::current());
  const char* name() const override { return "average_weights"; }
  void prepare(FitContext& fit) override;
  void on_epoch_begin(FitContext& fit) override;
  void on_batch_end(FitContext& fit) override;
  void on_validation_begin(FitContext& fit) override;
  void on_validation_end(FitContext& fit) override;
  void on_epoch_end(FitContext& fit) override;
  void on_train_end(FitContext& fit) override;
  std::string on_interrupt(FitContext& fit) override;
  State state() const override;
  void load_state(const State& state) override;

 private:
  void take_epoch(const FitContext& fit, std::int64_t epoch);
  AverageWeightsOptions options_;
  std::optional<optim::AveragedParameters> averages_;
  bool due_ = false;  // this epoch is to be taken in
  bool interrupted_ = false;
};

}  // namespace catena::train
