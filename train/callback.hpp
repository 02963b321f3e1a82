// What is called during fit, and what it sees.
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <iosfwd>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/nn/module.hpp"
#include "catena/train/history.hpp"
#include "catena/train/optimizer.hpp"

namespace catena::train {

// A name that the logs of each epoch will hold, and which way it improves, where that is known.
struct LogName {
  std::string name;
  std::optional<bool> larger_is_better;
};

// A training as callbacks see it. They may change weights, options of the optimizer, and `stop`;
// nothing else is theirs to change.
struct FitContext {
  nn::Module& model;
  optim::Optimizer& optimizer;
  const History& history;        // epochs finished, with the one that ends
  std::vector<LogName> names;    // what `logs` holds at the end of an epoch
  std::int64_t epochs = 0;       // in all
  std::int64_t steps = 0;        // batches per epoch; 0 when a stream does not tell
  std::int64_t epoch = 0;        // epochs finished
  std::int64_t step = 0;         // batches finished in the epoch
  bool stepped = false;          // whether the optimizer made its step after the last batch
  Logs logs;                     // at the end of a batch the values so far, without those that
                                 // take long to compute; at the end of an epoch all of them
  std::ostream* out = nullptr;   // for messages; null when fit is silent
  std::function<State()> state;  // all that is needed to go on from here, see train/state.hpp
  bool stop = false;             // set it to end the training: the epoch ends early
  std::source_location loc;      // where fit was called
};

// Hooks do nothing unless overridden. At each point the callbacks are called in the order they were
// given; those that run last, as Checkpoint does to save what the others did, after all others.
class Callback {
 public:
  virtual ~Callback() = default;
  // "early_stopping", in messages and in the saved state.
  virtual const char* name() const = 0;
  // First of all, before a state is loaded: forgets earlier trainings, checks the options.
  virtual void prepare(FitContext&) {}
  // Before the first epoch.
  virtual void on_train_begin(FitContext&) {}
  virtual void on_epoch_begin(FitContext&) {}
  virtual void on_batch_begin(FitContext&) {}
  // After the optimizer's step; with gradients accumulated also where there was none.
  virtual void on_batch_end(FitContext&) {}
  // Around the validation of an epoch.
  virtual void on_validation_begin(FitContext&) {}
  virtual void on_validation_end(FitContext&) {}
  // After validation.
  virtual void on_epoch_end(FitContext&) {}
  // After the last epoch, and after an interruption.
  virtual void on_train_end(FitContext&) {}
  // The training was interrupted in the middle of an epoch, or at its end, and can go on from here.
  // Returns how, when it made sure of that: "catena train ... --resume last.catena".
  virtual std::string on_interrupt(FitContext&) { return ""; }
  virtual bool runs_last() const { return false; }

  // What must be saved for a training to go on to the same bits.
  virtual State state() const { return {}; }
  virtual void load_state(const State&) {}
};

// A callback as an option of fit: one made in place (EarlyStopping({.patience = 3})), a reference
// to one of the caller's, who may ask it afterwards, or a shared pointer.
class CallbackHandle {
 public:
  template <class C>
  requires std::derived_from<std::remove_cvref_t<C>, Callback> CallbackHandle(C&& callback) {
    if constexpr (std::is_lvalue_reference_v<C>)
      callback_ = std::shared_ptr<Callback>(std::shared_ptr<Callback>(), &callback);
    else
      callback_ = std::make_shared<C>(std::forward<C>(callback));
  }
  template <std::derived_from<Callback> C>
  CallbackHandle(std::shared_ptr<C> callback) : callback_(std::move(callback)) {}

  Callback* operator->() const { return callback_.get(); }
  Callback& operator*() const { return *callback_; }

 private:
  std::shared_ptr<Callback> callback_;
};

// Watches one of the logs for improvements. For callbacks.
class Monitor {
 public:
  // Mode "min", "max", or "auto": as the metric says, and the loss goes down. It improves when it
  // passes the best by more than min_delta; NaN never does.
  Monitor(std::string name, std::string mode, double min_delta);
  // Throws ArgumentError with what there is when the logs will have no such name, for another mode,
  // and for "auto" where the way is not known. Forgets the best.
  void prepare(const Callback& callback, const FitContext& fit);
  // Takes in a value of this epoch; true when it is the best so far.
  bool update(const FitContext& fit);
  bool improves(double value, double on) const;
  double best() const { return best_; }
  bool maximizes() const { return maximizes_; }
  const std::string& name() const { return name_; }

  State state() const;
  void load_state(const State& state);

 private:
  std::string name_, mode_;
  double min_delta_;
  bool maximizes_ = false;
  double best_;  // NaN before the first
};

}  // namespace catena::train
