// Schedules for the first steps of a training (linear warm-up: Goyal et al. 2017). sequential or
// chained combine them with what comes after.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catena/train/schedule.hpp"

namespace catena::optim {

struct LinearLROptions {
  double start_factor = 1.0 / 3;  // in (0, 1]
  double end_factor = 1;          // in [0, 1]
  std::int64_t total_iters = 5;
  void visit(detail::StateVisitor& visitor);
};

// b times a factor that goes from start_factor (s) at t = 0 to end_factor (e) at t = T =
// total_iters, and stays:  r(0) = b s,  r(t) = r(t - 1) (1 + (e - s) / (T s + (t - 1)(e - s))).
class LinearLR : public ScheduleWithOptions<LinearLROptions> {
 public:
  static constexpr const char* kName = "linear";
  LinearLR(Optimizer& optimizer, Options options = {}, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
};

struct ConstantLROptions {
  double factor = 1.0 / 3;  // in (0, 1]
  std::int64_t total_iters = 5;
  void visit(detail::StateVisitor& visitor);
};

// b factor before t = total_iters, b from there on.
class ConstantLR : public ScheduleWithOptions<ConstantLROptions> {
 public:
  static constexpr const char* kName = "constant";
  ConstantLR(Optimizer& optimizer, Options options = {}, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
};

}  // namespace catena::optim
