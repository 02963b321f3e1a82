#include "catena/train/warmup_schedules.hpp"

#include <fmt/format.h>

#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

void LinearLROptions::visit(detail::StateVisitor& visitor) {
  visitor.value("start_factor", start_factor);
  visitor.value("end_factor", end_factor);
  visitor.value("total_iters", total_iters);
}

LinearLR::LinearLR(Optimizer& optimizer, Options options, Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  start(loc);
}

void LinearLR::check(const Location& loc) const {
  if (!(options_.start_factor > 0 && options_.start_factor <= 1))
    fail(fmt::format("start_factor is {}; expected a number in (0, 1]", options_.start_factor),
         loc);
  if (!(options_.end_factor >= 0 && options_.end_factor <= 1))
    fail(fmt::format("end_factor is {}; expected a number in [0, 1]", options_.end_factor), loc);
  if (!(options_.total_iters >= 1))
    fail(fmt::format("total_iters is {}; expected at least 1", options_.total_iters), loc);
}

double LinearLR::rate(std::size_t group) const {
  const double s = options_.start_factor, rise = options_.end_factor - s;
  if (steps_ == 0) return lr(group) * s;
  if (steps_ > options_.total_iters) return lr(group);
  const auto t = static_cast<double>(steps_), total = static_cast<double>(options_.total_iters);
  return lr(group) * (1 + rise / (total * s + (t - 1) * rise));
}

void ConstantLROptions::visit(detail::StateVisitor& visitor) {
  visitor.value("factor", factor);
  visitor.value("total_iters", total_iters);
}

ConstantLR::ConstantLR(Optimizer& optimizer, Options options, Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  start(loc);
}

void ConstantLR::check(const Location& loc) const {
  if (!(options_.factor > 0 && options_.factor <= 1))
    fail(fmt::format("factor is {}; expected a number in (0, 1]", options_.factor), loc);
  if (!(options_.total_iters >= 0))
    fail(fmt::format("total_iters is {}; expected a number >= 0", options_.total_iters), loc);
}

double ConstantLR::rate(std::size_t group) const {
  if (steps_ == 0) return lr(group) * options_.factor;
  return steps_ == options_.total_iters ? lr(group) * (1 / options_.factor) : lr(group);
}

}  // namespace catena::optim
