// A schedule that looks at results.
#pragma once

#include <cstdint>
#include <string>

#include "catena/train/schedule.hpp"

namespace catena::optim {

struct ReduceLROnPlateauOptions {
  std::string mode = "min";  // or "max": which way the metric improves
  double factor = 0.1;       // below 1
  std::int64_t patience = 10;
  double threshold = 1e-4;
  std::string threshold_mode = "rel";  // or "abs"
  std::int64_t cooldown = 0;
  PerGroup min_lr = 0;
  double eps = 1e-8;
  void visit(detail::StateVisitor& visitor);
};

// Multiplies the rates by factor, not below min_lr and not by changes under eps, when more than
// `patience` steps in a row brought no improvement; then looks away for `cooldown` steps. Mode
// "min" improves when metric < best (1 - threshold) ("rel") or best - threshold ("abs"), mode "max"
// when metric > best (1 + threshold) or best + threshold. Stepped with step(metric).
class ReduceLROnPlateau : public ScheduleWithOptions<ReduceLROnPlateauOptions> {
 public:
  static constexpr const char* kName = "reduce_on_plateau";
  explicit ReduceLROnPlateau(Optimizer& optimizer, Options options = {},
                             Location loc = Location::current());
  const char* name() const override { return kName; }
  bool wants_metric() const override { return true; }
  double best() const { return best_; }

 protected:
  void advance(std::optional<double> metric, const Location& loc) override;
  double rate(std::size_t group) const override;
  void check(const Location& loc) const override;
  void visit_progress(detail::StateVisitor& visitor) override;

 private:
  bool improves(double metric) const;
  double best_ = 0;
  std::int64_t bad_steps_ = 0, cooldown_left_ = 0;
};

}  // namespace catena::optim
