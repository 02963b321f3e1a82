// Callbacks of fit that change the learning rate.
#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <string>

#include "catena/train/callback.hpp"
#include "catena/train/plateau_schedule.hpp"
#include "catena/train/schedule.hpp"

namespace catena::train {

struct StepScheduleOptions {
  std::string per = "epoch";  // or "batch": after each step of the optimizer
};

// Steps a learning rate schedule: one of the caller's, of the optimizer that fit is given, or one
// by its text for optim::make_schedule ("cosine(t_max=30)"), made when the training begins.
class StepSchedule : public Callback {
 public:
  using Location = std::source_location;
  // Throw ArgumentError for another `per`, and for a schedule that looks at a value: that is what
  // ReduceOnPlateau is for.
  explicit StepSchedule(optim::Schedule& schedule, StepScheduleOptions options = {},
                        Location loc = Location::current());
  explicit StepSchedule(std::string text, StepScheduleOptions options = {},
                        Location loc = Location::current());
  const char* name() const override { return "schedule"; }
  void prepare(FitContext& fit) override;
  void on_batch_end(FitContext& fit) override;
  void on_epoch_end(FitContext& fit) override;
  State state() const override { return schedule_->state(); }
  void load_state(const State& state) override { schedule_->load_state(state); }

 private:
  void check(const Location& loc) const;
  StepScheduleOptions options_;
  std::string text_;  // empty: the schedule is the caller's
  std::shared_ptr<optim::Schedule> schedule_;
};

struct ReduceOnPlateauOptions {
  std::string monitor = "val_loss";
  std::string mode = "auto";  // or "min", "max"
  double factor = 0.1;
  std::int64_t patience = 10;
  double threshold = 1e-4;
  std::string threshold_mode = "rel";  // or "abs"
  std::int64_t cooldown = 0;
  optim::PerGroup min_lr = 0;
  double eps = 1e-8;
};

// optim::ReduceLROnPlateau, where the options are explained, for the optimizer of fit.
class ReduceOnPlateau : public Callback {
 public:
  explicit ReduceOnPlateau(ReduceOnPlateauOptions options = {});
  const char* name() const override { return "reduce_on_plateau"; }
  void prepare(FitContext& fit) override;
  void on_epoch_end(FitContext& fit) override;
  State state() const override { return schedule_->state(); }
  void load_state(const State& state) override { schedule_->load_state(state); }

 private:
  ReduceOnPlateauOptions options_;
  Monitor monitor_;
  std::shared_ptr<optim::Schedule> schedule_;
};

}  // namespace catena::train
