// Schedules made of others, which must be of the same optimizer and are stepped through this one
// only. ReduceLROnPlateau cannot take part.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "catena/train/schedule.hpp"

namespace catena::optim {

using SchedulePart = std::shared_ptr<Schedule>;

// The parts one after the other: part i from t = milestones[i - 1], where it starts at its t = 0,
// until milestones[i]. Making it puts the rates back to the initial ones and starts part 0.
//   SequentialLR(adam, {std::make_shared<LinearLR>(adam), std::make_shared<CosineAnnealingLR>(
//       adam, CosineAnnealingLROptions{.t_max = 95})}, {5});
class SequentialLR : public Schedule {
 public:
  static constexpr const char* kName = "sequential";
  SequentialLR(Optimizer& optimizer, std::vector<SchedulePart> parts,
               std::vector<std::int64_t> milestones, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  void advance(std::optional<double> metric, const Location& loc) override;
  void begin(const Location& loc) override;
  double rate(std::size_t group) const override { return lr(group); }
  void check(const Location& loc) const override;
  void check_all(const Location& loc) const override;
  void visit_options(detail::StateVisitor& visitor) override;
  void visit(detail::StateVisitor& visitor) override;

 private:
  std::vector<SchedulePart> parts_;
  std::vector<std::int64_t> milestones_;
};

// All parts at every step, in their order, each on the rates the one before left: with parts that
// multiply, r(t) = b f_1(t) f_2(t) ...
class ChainedScheduler : public Schedule {
 public:
  static constexpr const char* kName = "chained";
  explicit ChainedScheduler(std::vector<SchedulePart> parts, Location loc = Location::current());
  const char* name() const override { return kName; }

 protected:
  void advance(std::optional<double> metric, const Location& loc) override;
  void begin(const Location& loc) override;
  double rate(std::size_t group) const override { return lr(group); }
  void check(const Location& loc) const override;
  void check_all(const Location& loc) const override;
  void visit_options(detail::StateVisitor& visitor) override;
  void visit(detail::StateVisitor& visitor) override;

 private:
  std::vector<SchedulePart> parts_;
};

}  // namespace catena::optim
