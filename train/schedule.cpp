#include "catena/train/schedule.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

void Schedule::fail(std::string_view what, const Location& loc) const {
  throw_argument(name(), what, loc);
}

void Schedule::check_per_group(std::string_view option, const PerGroup& values,
                               const Location& loc) const {
  if (values.values.size() != 1 && values.values.size() != optimizer_.num_groups())
    fail(fmt::format("{} has {} values for {} parameter groups; expected one, or one for each",
                     option, values.values.size(), optimizer_.num_groups()),
         loc);
}

void Schedule::take_base_lrs() {
  for (std::size_t g = base_lrs_.size(); g < optimizer_.num_groups(); ++g)
    base_lrs_.push_back(optimizer_.initial_lr(g));
}

void Schedule::note_rates() {
  last_lr_.clear();
  for (std::size_t g = 0; g < optimizer_.num_groups(); ++g) last_lr_.push_back(lr(g));
}

void Schedule::apply(const Location& loc) {
  take_base_lrs();
  check(loc);
  last_momentum_.clear();
  for (std::size_t g = 0; g < optimizer_.num_groups(); ++g) {
    optimizer_.set_group_lr(g, rate(g));
    if (const std::optional<double> m = momentum(g)) {
      optimizer_.set_group_momentum(g, *m);
      last_momentum_.push_back(*m);
    }
  }
  note_rates();
}

void Schedule::start(const Location& loc) {
  check(loc);
  take_base_lrs();
  begin(loc);
}

void Schedule::begin(const Location& loc) {
  steps_ = 0;
  apply(loc);
}

void Schedule::restart(const Location& loc) {
  take_base_lrs();
  for (std::size_t g = 0; g < optimizer_.num_groups(); ++g) optimizer_.set_group_lr(g, base_lr(g));
  begin(loc);
}

void Schedule::advance(std::optional<double> /*metric*/, const Location& loc) {
  ++steps_;
  apply(loc);
}

void Schedule::visit(detail::StateVisitor& visitor) {
  const std::string prefix = visitor.prefix;
  visitor.kind("schedule", name());
  visitor.value("steps", steps_);
  visitor.value("base_lr", base_lrs_);
  visitor.value("last_lr", last_lr_);
  visitor.value("last_momentum", last_momentum_);
  visit_progress(visitor);
  visitor.prefix = prefix + "options.";
  visit_options(visitor);
  visitor.prefix = prefix;
}

void Schedule::visit_parts(const std::vector<std::shared_ptr<Schedule>>& parts,
                           detail::StateVisitor& visitor) {
  const std::string prefix = visitor.prefix;
  for (std::size_t i = 0; i < parts.size(); ++i) {
    visitor.prefix = fmt::format("{}parts.{}.", prefix, i);
    parts[i]->visit(visitor);
  }
  visitor.prefix = prefix;
}

State Schedule::state() const {
  State out;
  detail::StateSaver saver(out);
  // The visitor writes only when it loads.
  const_cast<Schedule*>(this)->visit(saver);
  return out;
}

void Schedule::load_state(const State& state, Location loc) {
  const auto rates = state.get<std::vector<double>>("last_lr", loc);
  const auto momentums = state.get<std::vector<double>>("last_momentum", loc);
  if (rates.size() != optimizer_.num_groups())
    throw_argument("load_state",
                   fmt::format("the state has rates of {} parameter groups, the optimizer {}",
                               rates.size(), optimizer_.num_groups()),
                   loc);
  detail::StateLoader check(state, false, loc);
  visit(check);
  const State own = this->state();
  const auto take = [this, &loc](const State& from) {
    detail::StateLoader apply(from, true, loc);
    visit(apply);
  };
  take(state);
  try {
    check_all(loc);
  } catch (...) {
    take(own);
    throw;
  }
  for (std::size_t g = 0; g < rates.size(); ++g) optimizer_.set_group_lr(g, rates[g]);
  for (std::size_t g = 0; g < momentums.size(); ++g) optimizer_.set_group_momentum(g, momentums[g]);
}

}  // namespace catena::optim
