// Schedules that go up and down, with momentum going the other way. They set the rate by t alone
// and are stepped after each batch.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "catena/train/schedule.hpp"

namespace catena::optim {

struct CyclicLROptions {
  PerGroup base_lr = 0;
  PerGroup max_lr = 0;  // to be given, above 0
  std::int64_t step_size_up = 2000;
  std::int64_t step_size_down = 0;  // 0: as up
  std::string mode = "triangular";  // or "triangular2", "exp_range"
  double gamma = 1;                 // of exp_range
  bool cycle_momentum = true;       // of an optimizer with momentum or betas
  PerGroup base_momentum = 0.8;
  PerGroup max_momentum = 0.9;
  void visit(detail::StateVisitor& visitor);
};

// With n = 1, 2, ... the cycle, x in [0, 1] the height within it (0 at its ends, 1 after
// step_size_up steps) and A = 1 (triangular), 2^(1 - n) (triangular2) or gamma^t (exp_range):
//   r(t) = base_lr + (max_lr - base_lr) x A
//   momentum = max_momentum - (max_momentum - base_momentum) x A   (beta1 where there are betas)
// Smith 2017, "Cyclical Learning Rates for Training Neural Networks". Its base_lr replaces the
// optimizer's rate.
class CyclicLR : public ScheduleWithOptions<CyclicLROptions> {
 public:
  static constexpr const char* kName = "cyclic";
  CyclicLR(Optimizer& optimizer, Options options, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
  std::optional<double> momentum(std::size_t group) const override;

 private:
  double height() const;
};

struct OneCycleLROptions {
  PerGroup max_lr = 0;                  // to be given, above 0
  std::int64_t total_steps = 0;         // epochs times batches per epoch
  double pct_start = 0.3;               // the part of the steps that goes up
  std::string anneal_strategy = "cos";  // or "linear"
  bool cycle_momentum = true;           // of an optimizer with momentum or betas
  PerGroup base_momentum = 0.85;
  PerGroup max_momentum = 0.95;
  double div_factor = 25;
  double final_div_factor = 1e4;
  bool three_phase = false;
  void visit(detail::StateVisitor& visitor);
};

// From initial = max_lr / div_factor up to max_lr while momentum goes from max_momentum down to
// base_momentum, during pct_start of the steps; then down to initial / final_div_factor and back.
// With three_phase the way down is as long as the way up and ends at initial; a third phase goes on
// to initial / final_div_factor. From u to v, at the fraction c of a phase:
//   cos: v + (u - v) (1 + cos(pi c)) / 2      linear: u + (v - u) c
// Smith and Topin 2019, "Super-Convergence". A step beyond total_steps is an error.
class OneCycleLR : public ScheduleWithOptions<OneCycleLROptions> {
 public:
  static constexpr const char* kName = "one_cycle";
  OneCycleLR(Optimizer& optimizer, Options options, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
  void advance(std::optional<double> metric, const Location& loc) override;
  std::optional<double> momentum(std::size_t group) const override;

 private:
  // The value at t of what starts at `initial`, peaks and ends at `final`.
  double value(double initial, double peak, double final) const;
};

}  // namespace catena::optim
