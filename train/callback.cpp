#include "catena/train/callback.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "catena/graph/error.hpp"
#include "catena/train/names.hpp"

namespace catena::train {

Monitor::Monitor(std::string name, std::string mode, double min_delta)
    : name_(std::move(name)),
      mode_(std::move(mode)),
      min_delta_(std::abs(min_delta)),
      best_(std::numeric_limits<double>::quiet_NaN()) {}

void Monitor::prepare(const Callback& callback, const FitContext& fit) {
  std::vector<std::string> names;
  for (const LogName& n : fit.names) names.push_back(n.name);
  const auto found = std::ranges::find(names, name_);
  if (found == names.end()) throw_unknown_name(callback.name(), "monitor", name_, names, fit.loc);
  const std::vector<std::string> modes = {"auto", "min", "max"};
  if (std::ranges::find(modes, mode_) == modes.end())
    throw_unknown_name(callback.name(), "mode", mode_, modes, fit.loc);
  const std::optional<bool> larger =
      fit.names[static_cast<std::size_t>(found - names.begin())].larger_is_better;
  if (mode_ == "auto" && !larger)
    throw_argument(callback.name(),
                   fmt::format("the mode is \"auto\", but nothing says which way '{}' improves; "
                               "expected mode \"min\" or \"max\"",
                               name_),
                   fit.loc);
  best_ = std::numeric_limits<double>::quiet_NaN();
  maximizes_ = mode_ == "max" || (mode_ == "auto" && *larger);
}

bool Monitor::improves(double value, double on) const {
  if (std::isnan(value)) return false;
  if (std::isnan(on)) return true;
  return maximizes_ ? value - min_delta_ > on : value + min_delta_ < on;
}

bool Monitor::update(const FitContext& fit) {
  const double value = fit.logs.at(name_, fit.loc);
  if (!improves(value, best_)) return false;
  best_ = value;
  return true;
}

State Monitor::state() const {
  State out;
  out.add_value("best", best_);
  return out;
}
void Monitor::load_state(const State& state) { best_ = state.get<double>("best"); }

}  // namespace catena::train
