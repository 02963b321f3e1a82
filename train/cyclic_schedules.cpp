#include "catena/train/cyclic_schedules.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numbers>

#include "catena/train/names.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

void CyclicLROptions::visit(detail::StateVisitor& visitor) {
  visitor.value("base_lr", base_lr.values);
  visitor.value("max_lr", max_lr.values);
  visitor.value("step_size_up", step_size_up);
  visitor.value("step_size_down", step_size_down);
  visitor.value("mode", mode);
  visitor.value("gamma", gamma);
  visitor.value("cycle_momentum", cycle_momentum);
  visitor.value("base_momentum", base_momentum.values);
  visitor.value("max_momentum", max_momentum.values);
}

CyclicLR::CyclicLR(Optimizer& optimizer, Options options, Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  check(loc);
  for (std::size_t g = 0; g < optimizer.num_groups(); ++g)
    optimizer.set_group_lr(g, options_.base_lr[g]);
  start(loc);
}

void CyclicLR::check(const Location& loc) const {
  if (!(options_.step_size_up >= 1))
    fail(fmt::format("step_size_up is {}; expected at least 1", options_.step_size_up), loc);
  if (!(options_.step_size_down >= 0))
    fail(fmt::format("step_size_down is {}; expected a number >= 0", options_.step_size_down), loc);
  if (const std::vector<std::string> names = {"triangular", "triangular2", "exp_range"};
      std::ranges::find(names, options_.mode) == names.end())
    train::throw_unknown_name(name(), "mode", options_.mode, names, loc);
  check_per_group("base_lr", options_.base_lr, loc);
  check_per_group("max_lr", options_.max_lr, loc);
  check_per_group("base_momentum", options_.base_momentum, loc);
  check_per_group("max_momentum", options_.max_momentum, loc);
  for (const double max_lr : options_.max_lr.values)
    if (!(max_lr > 0)) fail(fmt::format("max_lr is {}; expected a number > 0", max_lr), loc);
  if (options_.cycle_momentum && !optimizer().group_momentum(0))
    fail(fmt::format("cycle_momentum with the optimizer '{}', which has no momentum; expected one "
                     "with momentum or betas, or cycle_momentum = false",
                     optimizer().name()),
         loc);
}

// x A of the formula.
double CyclicLR::height() const {
  const auto up = static_cast<double>(options_.step_size_up);
  const double down =
      options_.step_size_down == 0 ? up : static_cast<double>(options_.step_size_down);
  const auto t = static_cast<double>(steps_);
  const double total = up + down, ratio = up / total;
  const double cycle = std::floor(1 + t / total);
  const double x = 1 + t / total - cycle;
  const double scale = x <= ratio ? x / ratio : (x - 1) / (ratio - 1);
  if (options_.mode == "triangular2") return scale / std::pow(2, cycle - 1);
  if (options_.mode == "exp_range") return scale * std::pow(options_.gamma, t);
  return scale;
}

double CyclicLR::rate(std::size_t group) const {
  return options_.base_lr[group] + (options_.max_lr[group] - options_.base_lr[group]) * height();
}

std::optional<double> CyclicLR::momentum(std::size_t group) const {
  if (!options_.cycle_momentum) return {};
  return options_.max_momentum[group] -
         (options_.max_momentum[group] - options_.base_momentum[group]) * height();
}

void OneCycleLROptions::visit(detail::StateVisitor& visitor) {
  visitor.value("max_lr", max_lr.values);
  visitor.value("total_steps", total_steps);
  visitor.value("pct_start", pct_start);
  visitor.value("anneal_strategy", anneal_strategy);
  visitor.value("cycle_momentum", cycle_momentum);
  visitor.value("base_momentum", base_momentum.values);
  visitor.value("max_momentum", max_momentum.values);
  visitor.value("div_factor", div_factor);
  visitor.value("final_div_factor", final_div_factor);
  visitor.value("three_phase", three_phase);
}

OneCycleLR::OneCycleLR(Optimizer& optimizer, Options options, Location loc)
    : ScheduleWithOptions(optimizer, std::move(options)) {
  check(loc);
  for (std::size_t g = 0; g < optimizer.num_groups(); ++g)
    optimizer.set_initial_lr(g, options_.max_lr[g] / options_.div_factor);
  start(loc);
}

void OneCycleLR::check(const Location& loc) const {
  if (!(options_.total_steps >= 1))
    fail(fmt::format("total_steps is {}; expected at least 1", options_.total_steps), loc);
  if (!(options_.pct_start >= 0 && options_.pct_start <= 1))
    fail(fmt::format("pct_start is {}; expected a number in [0, 1]", options_.pct_start), loc);
  if (!(options_.div_factor > 0))
    fail(fmt::format("div_factor is {}; expected a number > 0", options_.div_factor), loc);
  if (!(options_.final_div_factor > 0))
    fail(fmt::format("final_div_factor is {}; expected a number > 0", options_.final_div_factor),
         loc);
  if (const std::vector<std::string> names = {"cos", "linear"};
      std::ranges::find(names, options_.anneal_strategy) == names.end())
    train::throw_unknown_name(name(), "anneal_strategy", options_.anneal_strategy, names, loc);
  check_per_group("max_lr", options_.max_lr, loc);
  check_per_group("base_momentum", options_.base_momentum, loc);
  check_per_group("max_momentum", options_.max_momentum, loc);
  for (const double max_lr : options_.max_lr.values)
    if (!(max_lr > 0)) fail(fmt::format("max_lr is {}; expected a number > 0", max_lr), loc);
  if (options_.cycle_momentum && !optimizer().group_momentum(0))
    fail(fmt::format("cycle_momentum with the optimizer '{}', which has no momentum; expected one "
                     "with momentum or betas, or cycle_momentum = false",
                     optimizer().name()),
         loc);
}

void OneCycleLR::advance(std::optional<double> metric, const Location& loc) {
  if (steps_ >= options_.total_steps)
    fail(fmt::format("step {} of a cycle of total_steps = {}; expected the number of all steps, "
                     "epochs times batches per epoch",
                     steps_ + 1, options_.total_steps),
         loc);
  Schedule::advance(metric, loc);
}

double OneCycleLR::value(double initial, double peak, double final) const {
  const auto total = static_cast<double>(options_.total_steps);
  const double last = total - 1, top = options_.pct_start * total - 1;
  const auto t = static_cast<double>(steps_);
  double from = 0, to = top, u = initial, v = peak;
  if (t > top && !options_.three_phase) {
    from = top, to = last, u = peak, v = final;
  } else if (t > top) {
    const double down = 2 * options_.pct_start * total - 2;
    from = top, to = down, u = peak, v = initial;
    if (t > down) from = down, to = last, u = initial, v = final;
  }
  const double c = to > from ? (t - from) / (to - from) : 1;
  if (options_.anneal_strategy == "linear") return (v - u) * c + u;
  return v + (u - v) / 2 * (std::cos(std::numbers::pi * c) + 1);
}

double OneCycleLR::rate(std::size_t group) const {
  const double initial = options_.max_lr[group] / options_.div_factor;
  return value(initial, options_.max_lr[group], initial / options_.final_div_factor);
}

std::optional<double> OneCycleLR::momentum(std::size_t group) const {
  if (!options_.cycle_momentum) return {};
  const double high = options_.max_momentum[group];
  return value(high, options_.base_momentum[group], high);
}

}  // namespace catena::optim
