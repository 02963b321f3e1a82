#include "catena/train/average_weights.hpp"

#include <algorithm>
#include <vector>

#include "catena/train/names.hpp"

namespace catena::train {

AverageWeights::AverageWeights(AverageWeightsOptions options, Location loc)
    : options_(std::move(options)) {
  const std::vector<std::string> known = {"step", "epoch"};
  if (std::ranges::find(known, options_.per) == known.end())
    throw_unknown_name(name(), "per", options_.per, known, loc);
}

void AverageWeights::prepare(FitContext& fit) {
  averages_.emplace(fit.model.parameters(), optim::AveragingOptions{.decay = options_.decay},
                    fit.loc);
  due_ = interrupted_ = false;
}

void AverageWeights::on_epoch_begin(FitContext&) { due_ = options_.per == "epoch"; }

void AverageWeights::on_batch_end(FitContext& fit) {
  if (options_.per == "step" && fit.stepped && fit.epoch >= options_.start_epoch)
    averages_->update(fit.loc);
}

// Before the epoch is validated, or at its end.
void AverageWeights::take_epoch(const FitContext& fit, std::int64_t epoch) {
  if (due_ && epoch >= options_.start_epoch) averages_->update(fit.loc);
  due_ = false;
}

void AverageWeights::on_validation_begin(FitContext& fit) {
  take_epoch(fit, fit.epoch);
  if (averages_->updates() > 0) averages_->swap(fit.loc);
}

void AverageWeights::on_validation_end(FitContext& fit) {
  if (averages_->swapped()) averages_->swap(fit.loc);
}

void AverageWeights::on_epoch_end(FitContext& fit) { take_epoch(fit, fit.epoch - 1); }

std::string AverageWeights::on_interrupt(FitContext&) {
  interrupted_ = true;
  return "";
}

void AverageWeights::on_train_end(FitContext& fit) {
  if (!interrupted_ && averages_->updates() > 0) averages_->swap(fit.loc);
}

State AverageWeights::state() const {
  State out = averages_->state();
  out.add_value("due", due_);
  return out;
}

void AverageWeights::load_state(const State& state) {
  averages_->load_state(state);
  due_ = state.get<bool>("due");
}

}  // namespace catena::train
