// Schedules that only lower the learning rate.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catena/train/schedule.hpp"

namespace catena::optim {

struct StepLROptions {
  std::int64_t step_size = 0;  // at least 1
  double gamma = 0.1;
  void visit(detail::StateVisitor& visitor);
};

// r(t) = gamma r(t - 1) when step_size divides t, else r(t - 1):  b gamma^floor(t / step_size).
class StepLR : public ScheduleWithOptions<StepLROptions> {
 public:
  static constexpr const char* kName = "step";
  StepLR(Optimizer& optimizer, Options options, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
};

struct MultiStepLROptions {
  std::vector<std::int64_t> milestones;
  double gamma = 0.1;
  void visit(detail::StateVisitor& visitor);
};

// r(t) = gamma r(t - 1) at each milestone t (twice where one is listed twice), else r(t - 1).
class MultiStepLR : public ScheduleWithOptions<MultiStepLROptions> {
 public:
  static constexpr const char* kName = "multi_step";
  MultiStepLR(Optimizer& optimizer, Options options, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
};

struct ExponentialLROptions {
  double gamma = 0;  // to be given, above 0
  void visit(detail::StateVisitor& visitor);
};

// r(t) = gamma r(t - 1):  b gamma^t.
class ExponentialLR : public ScheduleWithOptions<ExponentialLROptions> {
 public:
  static constexpr const char* kName = "exponential";
  ExponentialLR(Optimizer& optimizer, Options options, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
};

struct PolynomialLROptions {
  std::int64_t total_iters = 5;
  double power = 1;
  void visit(detail::StateVisitor& visitor);
};

// r(t) = r(t - 1) ((T - t) / (T - t + 1))^power up to t = T = total_iters, then r(t - 1):
// b (1 - min(t, T) / T)^power.
class PolynomialLR : public ScheduleWithOptions<PolynomialLROptions> {
 public:
  static constexpr const char* kName = "polynomial";
  PolynomialLR(Optimizer& optimizer, Options options = {}, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
};

}  // namespace catena::optim
