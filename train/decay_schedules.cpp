#include "catena/train/decay_schedules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

void StepLROptions::visit(detail::StateVisitor& visitor) {
  visitor.value("step_size", step_size);
  visitor.value("gamma", gamma);
}

StepLR::StepLR(Optimizer& optimizer, Options options, Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  start(loc);
}

void StepLR::check(const Location& loc) const {
  if (!(options_.step_size >= 1))
    fail(fmt::format("step_size is {}; expected at least 1", options_.step_size), loc);
}

double StepLR::rate(std::size_t group) const {
  return steps_ == 0 || steps_ % options_.step_size != 0 ? lr(group) : lr(group) * options_.gamma;
}

void MultiStepLROptions::visit(detail::StateVisitor& visitor) {
  visitor.value("milestones", milestones);
  visitor.value("gamma", gamma);
}

MultiStepLR::MultiStepLR(Optimizer& optimizer, Options options, Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  start(loc);
}

void MultiStepLR::check(const Location& loc) const {
  for (const std::int64_t m : options_.milestones)
    if (m < 0) fail(fmt::format("a milestone is {}; expected a number >= 0", m), loc);
}

double MultiStepLR::rate(std::size_t group) const {
  const auto times = std::ranges::count(options_.milestones, steps_);
  return lr(group) * std::pow(options_.gamma, static_cast<double>(times));
}

void ExponentialLROptions::visit(detail::StateVisitor& visitor) { visitor.value("gamma", gamma); }

ExponentialLR::ExponentialLR(Optimizer& optimizer, Options options, Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  start(loc);
}

void ExponentialLR::check(const Location& loc) const {
  if (!(options_.gamma > 0))
    fail(fmt::format("gamma is {}; expected a number > 0", options_.gamma), loc);
}

double ExponentialLR::rate(std::size_t group) const {
  return steps_ == 0 ? lr(group) : lr(group) * options_.gamma;
}

void PolynomialLROptions::visit(detail::StateVisitor& visitor) {
  visitor.value("total_iters", total_iters);
  visitor.value("power", power);
}

PolynomialLR::PolynomialLR(Optimizer& optimizer, Options options, Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  start(loc);
}

void PolynomialLR::check(const Location& loc) const {
  if (!(options_.total_iters >= 1))
    fail(fmt::format("total_iters is {}; expected at least 1", options_.total_iters), loc);
}

double PolynomialLR::rate(std::size_t group) const {
  if (steps_ == 0 || steps_ > options_.total_iters) return lr(group);
  const auto t = static_cast<double>(steps_), total = static_cast<double>(options_.total_iters);
  return lr(group) * std::pow((1 - t / total) / (1 - (t - 1) / total), options_.power);
}

}  // namespace catena::optim
