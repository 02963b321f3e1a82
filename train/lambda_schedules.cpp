#include "catena/train/lambda_schedules.hpp"

#include <fmt/format.h>

#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

LambdaLR::LambdaLR(Optimizer& optimizer, RateFunction f, Location loc)
    : LambdaLR(optimizer, std::vector<RateFunction>{std::move(f)}, loc) {}
LambdaLR::LambdaLR(Optimizer& optimizer, std::vector<RateFunction> fs, Location loc)
    : Schedule(optimizer), functions_(std::move(fs)) {
  start(loc);
}

void LambdaLR::check(const Location& loc) const {
  if (functions_.size() != 1 && functions_.size() != optimizer().num_groups())
    fail(fmt::format("{} functions for {} parameter groups; expected one, or one for each",
                     functions_.size(), optimizer().num_groups()),
         loc);
  for (const RateFunction& f : functions_)
    if (!f) fail("an empty function; expected one from a step to a factor", loc);
}

double LambdaLR::rate(std::size_t group) const {
  const RateFunction& f = functions_[functions_.size() == 1 ? 0 : group];
  return base_lr(group) * f(steps_);
}

MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, RateFunction f, Location loc)
    : MultiplicativeLR(optimizer, std::vector<RateFunction>{std::move(f)}, loc) {}
MultiplicativeLR::MultiplicativeLR(Optimizer& optimizer, std::vector<RateFunction> fs, Location loc)
    : Schedule(optimizer), functions_(std::move(fs)) {
  start(loc);
}

void MultiplicativeLR::check(const Location& loc) const {
  if (functions_.size() != 1 && functions_.size() != optimizer().num_groups())
    fail(fmt::format("{} functions for {} parameter groups; expected one, or one for each",
                     functions_.size(), optimizer().num_groups()),
         loc);
  for (const RateFunction& f : functions_)
    if (!f) fail("an empty function; expected one from a step to a factor", loc);
}

double MultiplicativeLR::rate(std::size_t group) const {
  const RateFunction& f = functions_[functions_.size() == 1 ? 0 : group];
  return steps_ == 0 ? lr(group) : lr(group) * f(steps_);
}

}  // namespace catena::optim
