// Callbacks of fit: early stopping, checkpoints, a CSV log, an end at NaN, functions. Those that
// change the learning rate are in schedule_callbacks.hpp.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "catena/train/callback.hpp"

namespace catena::train {

struct EarlyStoppingOptions {
  std::string monitor = "val_loss";
  double min_delta = 0;       // what counts as an improvement, see Monitor
  std::int64_t patience = 0;  // epochs without one, after which the training ends
  std::string mode = "auto";  // or "min", "max"
  // The patience starts anew only for values that also improve on this.
  std::optional<double> baseline = {};
  bool restore_best_weights = false;
  std::int64_t start_from_epoch = 0;  // epochs that are not looked at
};

// Ends the training when the monitored value has not improved for `patience` epochs, as Keras's
// does. With restore_best_weights the model ends with the weights and buffers of its best epoch,
// unless the training was interrupted.
class EarlyStopping : public Callback {
 public:
  explicit EarlyStopping(EarlyStoppingOptions options = {});
  const char* name() const override { return "early_stopping"; }
  void prepare(FitContext& fit) override;
  void on_train_begin(FitContext& fit) override;
  void on_epoch_end(FitContext& fit) override;
  void on_train_end(FitContext& fit) override;
  std::string on_interrupt(FitContext& fit) override;
  State state() const override;
  void load_state(const State& state) override;

  double best() const { return monitor_.best(); }
  std::int64_t best_epoch() const { return best_epoch_; }  // counted from 1; 0: none yet
  bool stopped() const { return stopped_; }

 private:
  EarlyStoppingOptions options_;
  Monitor monitor_;
  std::int64_t wait_ = 0, best_epoch_ = 0;
  bool stopped_ = false, interrupted_ = false;
  State best_weights_;
};

// How a state becomes a file: save_checkpoint of catena/serialization/save_load.hpp, by its name,
// or a function of your own. (The training library knows no file format.)
class StateWriter {
 public:
  using Function = std::function<void(const std::string& path, const State& state)>;
  StateWriter() = default;
  StateWriter(void (*function)(const std::string&, const State&)) : function_(function) {}
  template <class F>
  requires std::is_invocable_v<F, const std::string&, const State&> StateWriter(F function)
      : function_(std::move(function)) {}  // NOLINT: .save = [](...) {...}
  explicit operator bool() const { return function_ != nullptr; }
  void operator()(const std::string& path, const State& state) const { function_(path, state); }

 private:
  Function function_;
};

struct CheckpointOptions {
  // "{epoch}" in it becomes the number of epochs finished, "3_interrupted" in the middle of one.
  std::string path;
  StateWriter save = {};   // .save = save_checkpoint
  std::int64_t every = 1;  // epochs, and at the end; 0: only when the training is interrupted
  // The newest files of this training that stay; older ones are deleted once a newer one is
  // written. 0: all stay.
  int keep = 0;
  // A thread writes a copy of the state while the training goes on. What goes wrong is thrown at
  // the next save or at the end of the training.
  bool async = false;
  // Instead: after each epoch in which the monitored value is the best so far.
  bool best_only = false;
  std::string monitor = "val_loss";
  std::string mode = "auto";  // or "min", "max"
  // What an interrupted training says about going on; empty: how with fit.
  std::string resume_hint = "";
};

// Saves the state of the training, from which fit can go on (FitOptions::resume). When the training
// is interrupted it is saved as well, except with best_only. What has a loss that is NaN or
// infinite is not saved. Runs after all other callbacks. The newest files and the best one are two
// of these.
class Checkpoint : public Callback {
 public:
  // Throws ArgumentError without a path or a writer, for every < 0 or keep < 0, and for keep > 0
  // where all files have one name.
  explicit Checkpoint(CheckpointOptions options,
                      std::source_location loc = std::source_location::current());
  const char* name() const override { return "checkpoint"; }
  void prepare(FitContext& fit) override;
  void on_epoch_end(FitContext& fit) override;
  void on_train_end(FitContext& fit) override;
  std::string on_interrupt(FitContext& fit) override;
  bool runs_last() const override { return true; }
  State state() const override;
  void load_state(const State& state) override;

 private:
  void save(const FitContext& fit);
  void finish_writing();
  template <class Write>
  void write_or_forget(const Write& write);
  CheckpointOptions options_;
  std::deque<std::string> saved_;  // the files of this training that are there, oldest first
  std::future<void> writing_;      // of the last of them, with async
  Monitor monitor_;
};

// Writes the epochs to a CSV file (History::write_csv) as they end; a resumed training writes those
// before as well. Throws SystemError when the file cannot be written.
class CsvLog : public Callback {
 public:
  explicit CsvLog(std::string path) : path_(std::move(path)) {}
  const char* name() const override { return "csv_log"; }
  void prepare(FitContext&) override { begun_ = false; }
  void on_epoch_end(FitContext& fit) override;

 private:
  std::string path_;
  bool begun_ = false;
};

// Ends the training after a batch that made the loss NaN or infinite.
class TerminateOnNan : public Callback {
 public:
  const char* name() const override { return "terminate_on_nan"; }
  void on_batch_end(FitContext& fit) override;
};

struct LambdaHooks {
  using Hook = std::function<void(FitContext&)>;
  Hook on_train_begin = {}, on_epoch_begin = {}, on_batch_begin = {}, on_batch_end = {},
       on_validation_begin = {}, on_validation_end = {}, on_epoch_end = {}, on_train_end = {};
};

// Functions as a callback: LambdaCallback({.on_epoch_end = [](train::FitContext& fit) { ... }}).
class LambdaCallback : public Callback {
 public:
  explicit LambdaCallback(LambdaHooks hooks) : hooks_(std::move(hooks)) {}
  const char* name() const override { return "lambda"; }
  void on_train_begin(FitContext& fit) override { call(hooks_.on_train_begin, fit); }
  void on_epoch_begin(FitContext& fit) override { call(hooks_.on_epoch_begin, fit); }
  void on_batch_begin(FitContext& fit) override { call(hooks_.on_batch_begin, fit); }
  void on_batch_end(FitContext& fit) override { call(hooks_.on_batch_end, fit); }
  void on_validation_begin(FitContext& fit) override { call(hooks_.on_validation_begin, fit); }
  void on_validation_end(FitContext& fit) override { call(hooks_.on_validation_end, fit); }
  void on_epoch_end(FitContext& fit) override { call(hooks_.on_epoch_end, fit); }
  void on_train_end(FitContext& fit) override { call(hooks_.on_train_end, fit); }

 private:
  static void call(const LambdaHooks::Hook& hook, FitContext& fit) {
    if (hook) hook(fit);
  }
  LambdaHooks hooks_;
};

}  // namespace catena::train
