// Base of the schedules: learning rates (and momentum) as a function of the steps taken, PyTorch's
// lr_scheduler. See decay_schedules.hpp, warmup_schedules.hpp, cosine_schedules.hpp,
// cyclic_schedules.hpp, lambda_schedules.hpp, plateau_schedule.hpp, combined_schedules.hpp.
//
//   optim::CosineAnnealingLR schedule(adam, {.t_max = 30});
//   for (epoch ...) { train(); schedule.step(); }
//
// In the formulas t is the number of step() calls, from 0 when the schedule was made; b is the
// group's learning rate at that time and r(t) the one it has after step t. Schedules change the
// rates the groups have (r(t) from r(t - 1)), so several on one optimizer multiply, and a rate set
// by hand is taken up. A group added later joins with the rate it has then.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <source_location>
#include <string_view>
#include <utility>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/train/optimizer.hpp"

namespace catena::optim {

// One number for all parameter groups, or one for each.
struct PerGroup {
  std::vector<double> values;
  PerGroup(double value) : values{value} {}                       // NOLINT: .max_lr = 0.1
  PerGroup(std::initializer_list<double> each) : values(each) {}  // NOLINT: {0.1, 0.01}
  explicit PerGroup(std::vector<double> each) : values(std::move(each)) {}
  double operator[](std::size_t group) const { return values[values.size() == 1 ? 0 : group]; }
};

class Schedule {
 public:
  using Location = std::source_location;

  virtual ~Schedule() = default;
  Schedule(const Schedule&) = delete;
  Schedule& operator=(const Schedule&) = delete;

  // Sets the rates of the next epoch, or batch, whichever the numbers of the schedule count; to be
  // called after the optimizer's step().
  void step(Location loc = Location::current()) { advance({}, loc); }
  // The same with the value of what is monitored, which ReduceLROnPlateau needs and the others
  // leave aside.
  void step(double metric, Location loc = Location::current()) { advance(metric, loc); }
  virtual bool wants_metric() const { return false; }

  std::int64_t steps() const { return steps_; }
  // What the last step set, by group.
  const std::vector<double>& last_lr() const { return last_lr_; }
  Optimizer& optimizer() const { return optimizer_; }
  // "step", "cosine", ...: the name for make_schedule.
  virtual const char* name() const = 0;

  // Options, steps and rates. The optimizer's state is saved beside it.
  State state() const;
  // Takes them over and sets the optimizer's rates as they were. Throws ArgumentError, and changes
  // nothing, when the state is that of another kind of schedule or number of groups.
  void load_state(const State& state, Location loc = Location::current());

 protected:
  // The optimizer must outlive the schedule.
  explicit Schedule(Optimizer& optimizer) : optimizer_(optimizer) {}

  // The last act of a constructor: notes b and sets r(0).
  void start(const Location& loc);
  // Notes b of the groups that are new.
  void take_base_lrs();
  // One step more; the combined schedules step others.
  virtual void advance(std::optional<double> metric, const Location& loc);
  // To t = 0 from the rates the groups have.
  virtual void begin(const Location& loc);
  // To t = 0 from b.
  virtual void restart(const Location& loc);
  friend class SequentialLR;
  friend class ChainedScheduler;

  // r(t) of a group at t = steps(), from lr(group) = r(t - 1), or b at t = 0.
  virtual double rate(std::size_t group) const = 0;
  // The momentum that goes with it, where momentum cycles too.
  virtual std::optional<double> momentum(std::size_t /*group*/) const { return {}; }
  // Throws ArgumentError when options are out of range; check_all looks at the parts too.
  virtual void check(const Location& /*loc*/) const {}
  virtual void check_all(const Location& loc) const { check(loc); }
  virtual void visit_options(detail::StateVisitor& visitor) = 0;
  virtual void visit_progress(detail::StateVisitor& /*visitor*/) {}
  virtual void visit(detail::StateVisitor& visitor);
  // The same for the schedules this one is made of.
  static void visit_parts(const std::vector<std::shared_ptr<Schedule>>& parts,
                          detail::StateVisitor& visitor);

  double lr(std::size_t group) const { return optimizer_.group_lr(group); }
  double base_lr(std::size_t group) const { return base_lrs_[group]; }
  void apply(const Location& loc);
  void note_rates();
  // Throws ArgumentError when a list has neither one value nor one per group.
  void check_per_group(std::string_view option, const PerGroup& values, const Location& loc) const;
  [[noreturn]] void fail(std::string_view what, const Location& loc) const;

  std::int64_t steps_ = 0;

 private:
  Optimizer& optimizer_;
  std::vector<double> base_lrs_, last_lr_, last_momentum_;
};

// A schedule with options, which can visit themselves.
template <class OptionsType>
class ScheduleWithOptions : public Schedule {
 public:
  using Options = OptionsType;
  const Options& options() const { return options_; }

 protected:
  ScheduleWithOptions(Optimizer& optimizer, Options options)
      : Schedule(optimizer), options_(std::move(options)) {}
  void visit_options(detail::StateVisitor& visitor) override { options_.visit(visitor); }
  Options options_;
};

}  // namespace catena::optim
