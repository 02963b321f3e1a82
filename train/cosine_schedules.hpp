// Cosine annealing (Loshchilov and Hutter 2017, "SGDR").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catena/train/schedule.hpp"

namespace catena::optim {

struct CosineAnnealingLROptions {
  std::int64_t t_max = 0;  // steps from the highest rate to the lowest, at least 1
  double eta_min = 0;
  void visit(detail::StateVisitor& visitor);
};

// r(t) = eta_min + (b - eta_min) (1 + cos(pi t / t_max)) / 2, which rises again after t_max;
// computed from r(t - 1) as
//   r(t) = eta_min + (r(t - 1) - eta_min) (1 + cos(pi t / t_max)) / (1 + cos(pi (t - 1) / t_max)).
class CosineAnnealingLR : public ScheduleWithOptions<CosineAnnealingLROptions> {
 public:
  static constexpr const char* kName = "cosine";
  CosineAnnealingLR(Optimizer& optimizer, Options options, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
};

struct CosineAnnealingWarmRestartsOptions {
  std::int64_t t_0 = 0;     // steps of the first cycle, at least 1
  std::int64_t t_mult = 1;  // each cycle is so many times longer than the one before
  double eta_min = 0;
  void visit(detail::StateVisitor& visitor);
};

// r(t) = eta_min + (b - eta_min) (1 + cos(pi c / T)) / 2, c the steps since the cycle began and T
// its length: t_0, t_0 t_mult, t_0 t_mult^2, ...
class CosineAnnealingWarmRestarts : public ScheduleWithOptions<CosineAnnealingWarmRestartsOptions> {
 public:
  static constexpr const char* kName = "cosine_warm_restarts";
  CosineAnnealingWarmRestarts(Optimizer& optimizer, Options options,
                              Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
  void begin(const Location& loc) override;
  void advance(std::optional<double> metric, const Location& loc) override;
  void visit_progress(detail::StateVisitor& visitor) override;

 private:
  std::int64_t in_cycle_ = 0, length_ = 0;
};

}  // namespace catena::optim
