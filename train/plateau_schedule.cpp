#include "catena/train/plateau_schedule.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "catena/train/names.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

void ReduceLROnPlateauOptions::visit(detail::StateVisitor& visitor) {
  visitor.value("mode", mode);
  visitor.value("factor", factor);
  visitor.value("patience", patience);
  visitor.value("threshold", threshold);
  visitor.value("threshold_mode", threshold_mode);
  visitor.value("cooldown", cooldown);
  visitor.value("min_lr", min_lr.values);
  visitor.value("eps", eps);
}

ReduceLROnPlateau::ReduceLROnPlateau(Optimizer& optimizer, Options options, Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  check(loc);
  take_base_lrs();
  note_rates();
  constexpr double infinity = std::numeric_limits<double>::infinity();
  best_ = options_.mode == "min" ? infinity : -infinity;
}

void ReduceLROnPlateau::check(const Location& loc) const {
  if (const std::vector<std::string> names = {"min", "max"};
      std::ranges::find(names, options_.mode) == names.end())
    train::throw_unknown_name(name(), "mode", options_.mode, names, loc);
  if (const std::vector<std::string> names = {"rel", "abs"};
      std::ranges::find(names, options_.threshold_mode) == names.end())
    train::throw_unknown_name(name(), "threshold_mode", options_.threshold_mode, names, loc);
  if (!(options_.factor < 1))
    fail(fmt::format("factor is {}; expected a number below 1", options_.factor), loc);
  if (!(options_.patience >= 0))
    fail(fmt::format("patience is {}; expected a number >= 0", options_.patience), loc);
  if (!(options_.cooldown >= 0))
    fail(fmt::format("cooldown is {}; expected a number >= 0", options_.cooldown), loc);
  check_per_group("min_lr", options_.min_lr, loc);
}

bool ReduceLROnPlateau::improves(double metric) const {
  const double threshold = options_.threshold;
  if (options_.mode == "min")
    return metric <
           (options_.threshold_mode == "rel" ? best_ * (1 - threshold) : best_ - threshold);
  return metric > (options_.threshold_mode == "rel" ? best_ * (1 + threshold) : best_ + threshold);
}

void ReduceLROnPlateau::advance(std::optional<double> metric, const Location& loc) {
  if (!metric)
    fail("step() without a value; expected that of the metric: step(validation_loss)", loc);
  ++steps_;
  if (improves(*metric)) {
    best_ = *metric;
    bad_steps_ = 0;
  } else {
    ++bad_steps_;
  }
  if (cooldown_left_ > 0) {
    --cooldown_left_;
    bad_steps_ = 0;
  }
  if (bad_steps_ > options_.patience) {
    apply(loc);
    cooldown_left_ = options_.cooldown;
    bad_steps_ = 0;
  }
  note_rates();
}

double ReduceLROnPlateau::rate(std::size_t group) const {
  const double lower = std::max(lr(group) * options_.factor, options_.min_lr[group]);
  return lr(group) - lower > options_.eps ? lower : lr(group);
}

void ReduceLROnPlateau::visit_progress(detail::StateVisitor& visitor) {
  visitor.value("best", best_);
  visitor.value("bad_steps", bad_steps_);
  visitor.value("cooldown_left", cooldown_left_);
}

}  // namespace catena::optim
