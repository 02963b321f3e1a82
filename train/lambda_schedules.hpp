// Schedules by a function of the caller's; the function is not saved with the state.
#pragma once

#include <functional>
#include <vector>

#include "catena/train/schedule.hpp"

namespace catena::optim {

using RateFunction = std::function<double(std::int64_t step)>;

// r(t) = b f(t).
class LambdaLR : public Schedule {
 public:
  static constexpr const char* kName = "lambda";
  // One function for all groups, or one for each.
  LambdaLR(Optimizer& optimizer, RateFunction f, Location loc = Location::current());
  LambdaLR(Optimizer& optimizer, std::vector<RateFunction> fs, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
  void visit_options(detail::StateVisitor&) override {}

 private:
  std::vector<RateFunction> functions_;
};

// r(t) = r(t - 1) f(t) from t = 1 on, r(0) = b.
class MultiplicativeLR : public Schedule {
 public:
  static constexpr const char* kName = "multiplicative";
  MultiplicativeLR(Optimizer& optimizer, RateFunction f, Location loc = Location::current());
  MultiplicativeLR(Optimizer& optimizer, std::vector<RateFunction> fs,
                   Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
  // Goes on from the rates there are, as PyTorch's does.
  void restart(const Location& loc) override { begin(loc); }
  void visit_options(detail::StateVisitor&) override {}

 private:
  std::vector<RateFunction> functions_;
};

}  // namespace catena::optim
