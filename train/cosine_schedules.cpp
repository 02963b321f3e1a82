#include "catena/train/cosine_schedules.hpp"

#include <fmt/format.h>

#include <cmath>
#include <numbers>

#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

void CosineAnnealingLROptions::visit(detail::StateVisitor& visitor) {
  visitor.value("t_max", t_max);
  visitor.value("eta_min", eta_min);
}

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, Options options, Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  start(loc);
}

void CosineAnnealingLR::check(const Location& loc) const {
  if (!(options_.t_max >= 1))
    fail(fmt::format("t_max is {}; expected at least 1", options_.t_max), loc);
}

double CosineAnnealingLR::rate(std::size_t group) const {
  if (steps_ == 0) return lr(group);
  constexpr double pi = std::numbers::pi;
  const auto t = static_cast<double>(steps_), t_max = static_cast<double>(options_.t_max);
  const double eta_min = options_.eta_min;
  // The step after a lowest rate: the quotient below would divide by zero.
  if ((steps_ - 1 - options_.t_max) % (2 * options_.t_max) == 0)
    return lr(group) + (base_lr(group) - eta_min) * (1 - std::cos(pi / t_max)) / 2;
  return (1 + std::cos(pi * t / t_max)) / (1 + std::cos(pi * (t - 1) / t_max)) *
             (lr(group) - eta_min) +
         eta_min;
}

void CosineAnnealingWarmRestartsOptions::visit(detail::StateVisitor& visitor) {
  visitor.value("t_0", t_0);
  visitor.value("t_mult", t_mult);
  visitor.value("eta_min", eta_min);
}

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(Optimizer& optimizer, Options options,
                                                         Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  start(loc);
}

void CosineAnnealingWarmRestarts::check(const Location& loc) const {
  if (!(options_.t_0 >= 1)) fail(fmt::format("t_0 is {}; expected at least 1", options_.t_0), loc);
  if (!(options_.t_mult >= 1))
    fail(fmt::format("t_mult is {}; expected at least 1", options_.t_mult), loc);
  if (steps_ > 0 && (length_ < 1 || in_cycle_ < 0))
    fail(
        fmt::format("step {} of a cycle of {}; expected a cycle of at least 1", in_cycle_, length_),
        loc);
}

void CosineAnnealingWarmRestarts::begin(const Location& loc) {
  in_cycle_ = 0;
  length_ = options_.t_0;
  Schedule::begin(loc);
}

void CosineAnnealingWarmRestarts::advance(std::optional<double> metric, const Location& loc) {
  if (++in_cycle_ >= length_) {
    in_cycle_ -= length_;
    length_ *= options_.t_mult;
  }
  Schedule::advance(metric, loc);
}

double CosineAnnealingWarmRestarts::rate(std::size_t group) const {
  const double part = static_cast<double>(in_cycle_) / static_cast<double>(length_);
  return options_.eta_min +
         (base_lr(group) - options_.eta_min) * (1 + std::cos(std::numbers::pi * part)) / 2;
}

void CosineAnnealingWarmRestarts::visit_progress(detail::StateVisitor& visitor) {
  visitor.value("in_cycle", in_cycle_);
  visitor.value("length", length_);
}

}  // namespace catena::optim
