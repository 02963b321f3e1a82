#include "catena/train/schedule_callbacks.hpp"

#include <algorithm>
#include <utility>
#include <vector>

#include "catena/graph/error.hpp"
#include "catena/train/make_optimizer.hpp"
#include "catena/train/names.hpp"

namespace catena::train {

StepSchedule::StepSchedule(optim::Schedule& schedule, StepScheduleOptions options, Location loc)
    : options_(std::move(options)), schedule_(std::shared_ptr<optim::Schedule>(), &schedule) {
  check(loc);
}

StepSchedule::StepSchedule(std::string text, StepScheduleOptions options, Location loc)
    : options_(std::move(options)), text_(std::move(text)) {
  check(loc);
}

void StepSchedule::check(const Location& loc) const {
  const std::vector<std::string> known = {"epoch", "batch"};
  if (std::ranges::find(known, options_.per) == known.end())
    throw_unknown_name(name(), "per", options_.per, known, loc);
  if (schedule_ != nullptr && schedule_->wants_metric())
    throw_argument(name(),
                   "this schedule looks at a value; expected the callback ReduceOnPlateau, which "
                   "knows which way the value improves",
                   loc);
}

void StepSchedule::prepare(FitContext& fit) {
  if (!text_.empty()) {
    schedule_ = optim::make_schedule(text_, fit.optimizer, fit.loc);
    check(fit.loc);
  } else if (&schedule_->optimizer() != &fit.optimizer) {
    throw_argument(name(),
                   "the schedule is of another optimizer than the one that trains; expected that "
                   "one in FitOptions::optimizer",
                   fit.loc);
  }
}

void StepSchedule::on_batch_end(FitContext& fit) {
  if (options_.per == "batch" && fit.stepped) schedule_->step(fit.loc);
}

void StepSchedule::on_epoch_end(FitContext& fit) {
  if (options_.per == "epoch") schedule_->step(fit.loc);
}

ReduceOnPlateau::ReduceOnPlateau(ReduceOnPlateauOptions options)
    : options_(std::move(options)), monitor_(options_.monitor, options_.mode, 0) {}

void ReduceOnPlateau::prepare(FitContext& fit) {
  monitor_.prepare(*this, fit);
  schedule_ = std::make_shared<optim::ReduceLROnPlateau>(
      fit.optimizer,
      optim::ReduceLROnPlateauOptions{.mode = monitor_.maximizes() ? "max" : "min",
                                      .factor = options_.factor,
                                      .patience = options_.patience,
                                      .threshold = options_.threshold,
                                      .threshold_mode = options_.threshold_mode,
                                      .cooldown = options_.cooldown,
                                      .min_lr = options_.min_lr,
                                      .eps = options_.eps},
      fit.loc);
}

void ReduceOnPlateau::on_epoch_end(FitContext& fit) {
  schedule_->step(fit.logs.at(monitor_.name(), fit.loc), fit.loc);
}

}  // namespace catena::train
