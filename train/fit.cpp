#include "catena/train/fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>
#include <map>
#include <utility>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/profiler.hpp"
#include "catena/nn/mode_guard.hpp"
#include "catena/ops/slice.hpp"
#include "catena/train/accumulation.hpp"
#include "catena/train/batches.hpp"
#include "catena/train/callbacks.hpp"
#include "catena/train/clip_grad.hpp"
#include "catena/train/evaluate_batches.hpp"
#include "catena/train/interrupt.hpp"
#include "catena/train/lbfgs.hpp"
#include "catena/train/make_optimizer.hpp"
#include "catena/train/sample_weights.hpp"
#include "catena/train/state.hpp"
#include "catena/train/totals.hpp"

namespace catena::train {

OptimizerChoice::OptimizerChoice(const char* name, std::source_location loc) : name_(name) {
  optim::check_optimizer_name("fit", name_, loc);
}

// One call of fit.
class FitRun {
  static constexpr std::int64_t kBatchSize = 32;

 public:
  FitRun(nn::Module& model, const Dataset& data, FitOptions options,
         const std::source_location& loc)
      : FitRun(model, std::move(options), loc) {
    if (!data.defined() || data.size() == 0) fail("there are no samples to train on");
    make_batches(data);
  }
  FitRun(nn::Module& model, DataLoader& loader, FitOptions options, const std::source_location& loc)
      : FitRun(model, std::move(options), loc) {
    check_for_loader();
    batches_.emplace(model_, loader, options_.class_weight, loc_);
  }

  History run() {
    std::optional<nn::ModeGuard> mode;
    if (!model_.is_training()) mode.emplace(model_, true);
    InterruptGuard interrupt(options_.interruptible);
    context_.emplace(FitContext{
        .model = model_,
        .optimizer = *optimizer_,
        .history = history_,
        .names = names(),
        .epochs = options_.epochs,
        .steps = batches_->loader().knows_num_batches() ? batches_->loader().num_batches(loc_) : 0,
        .out = message_stream(),
        .state = [this] { return state(); },
        .loc = loc_});
    FitContext& now = *context_;
    call(&Callback::prepare);
    if (options_.resume != nullptr) load(*options_.resume);
    call(&Callback::on_train_begin);
    Progress progress(out(), options_.verbose, options_.epochs, now.steps, options_.log_every);
    while (now.epoch < now.epochs && !now.stop && !interrupt.requested()) {
      progress.begin_epoch(now.epoch);
      if (!train_epoch(progress, interrupt) || !end_epoch(progress, interrupt)) break;
    }
    if (interrupt.requested() && now.epoch < now.epochs && !now.stop) on_interrupt();
    now.logs = {};
    call(&Callback::on_train_end);
    return std::move(history_);
  }

 private:
  // --- Before the first epoch ---
  FitRun(nn::Module& model, FitOptions options, const std::source_location& loc)
      : model_(model),
        options_(std::move(options)),
        loc_(loc),
        validation_(options_.validation_data),
        totals_(options_.loss, options_.metrics, options_.weighted_metrics, loc) {
    check();
    make_optimizer();
    order_callbacks();
  }

  [[noreturn]] void fail(std::string_view what) const { throw_argument("fit", what, loc_); }

  void check() const {
    if (options_.epochs < 0)
      fail(fmt::format("epochs is {}; expected a number >= 0", options_.epochs));
    if (options_.accumulate < 1)
      fail(fmt::format("accumulate is {}; expected at least 1 batch", options_.accumulate));
    if (!(options_.clip_norm >= 0) || !(options_.clip_value >= 0))
      fail(fmt::format("clip_norm is {} and clip_value {}; expected numbers >= 0, 0 for none",
                       options_.clip_norm, options_.clip_value));
    if (options_.clip_norm > 0 && options_.clip_value > 0)
      fail("both clip_norm and clip_value are given; give one");
    if (!(options_.validation_split >= 0 && options_.validation_split < 1))
      fail(fmt::format("validation_split is {}; expected a fraction in [0, 1)",
                       options_.validation_split));
    if (options_.validation_split > 0 && validation_.defined())
      fail("both validation_data and validation_split are given; give one");
    if (options_.validation_sample_weight.defined() && !validation_.data().defined())
      fail(
          "validation_sample_weight is given without validation_data that is a Dataset; expected "
          "both (with validation_split the weights are split too)");
    if (validation_.data().defined() && validation_.data().size() == 0)
      fail("validation_data has no samples; expected at least one");
    if (!grad_enabled()) fail("gradients are off here (NoGrad); training needs them");
  }

  void check_for_loader() const {
    const auto own = [this](bool given, std::string_view option) {
      if (given)
        fail(fmt::format("{} is given with a loader; expected it in the loader's own options",
                         option));
    };
    own(options_.batch_size.has_value(), "batch_size");
    own(options_.shuffle.has_value(), "shuffle");
    own(options_.drop_last, "drop_last");
    own(options_.seed.has_value(), "seed");
    const auto needs_dataset = [this](bool given, std::string_view option) {
      if (given) fail(fmt::format("{} is given with a loader; expected it with a Dataset", option));
    };
    needs_dataset(options_.validation_split > 0, "validation_split");
    needs_dataset(options_.sample_weight.defined(), "sample_weight");
  }

  void make_batches(const Dataset& data) {
    Dataset training = data;
    Tensor own_weight = options_.sample_weight;
    validation_weight_ = options_.validation_sample_weight;
    if (options_.validation_split > 0) {
      sample_weights(data, own_weight, {}, loc_);  // checked before it is split
      const auto kept = static_cast<std::int64_t>(static_cast<double>(data.size()) *
                                                  (1 - options_.validation_split));
      if (kept == 0)
        fail(
            fmt::format("validation_split is {} of {} samples; expected some to be left for "
                        "training",
                        options_.validation_split, data.size()));
      training = data.slice(0, kept);
      validation_ = data.slice(kept, data.size());
      if (own_weight.defined()) {
        validation_weight_ = slice(own_weight, 0, kept, data.size());
        own_weight = slice(own_weight, 0, 0, kept);
      }
    }
    const DataLoaderOptions order{.batch_size = options_.batch_size.value_or(kBatchSize),
                                  .shuffle = options_.shuffle.value_or(true),
                                  .drop_last = options_.drop_last,
                                  .seed = options_.seed};
    batches_.emplace(model_, training, order, own_weight, options_.class_weight, loc_);
  }

  void make_optimizer() {
    optimizer_ = options_.optimizer.own_;
    if (optimizer_ == nullptr) {
      made_ = optim::make_optimizer(options_.optimizer.name_, model_.parameters(), loc_);
      optimizer_ = made_.get();
    }
    if (dynamic_cast<optim::LBFGS*>(optimizer_) != nullptr && options_.accumulate > 1)
      fail("L-BFGS takes its steps on single batches; expected accumulate = 1");
    accumulation_.emplace(*optimizer_, options_.accumulate, loc_);
  }

  void order_callbacks() {
    callbacks_ = options_.callbacks;
    if (options_.on_epoch_end)
      callbacks_.emplace_back(LambdaCallback({.on_epoch_end = options_.on_epoch_end}));
    std::ranges::stable_partition(callbacks_, [](const auto& c) { return !c->runs_last(); });
  }

  std::ostream& out() const { return options_.out != nullptr ? *options_.out : std::cout; }
  std::ostream* message_stream() const {
    return options_.verbose == Verbose::kSilent ? nullptr : &out();
  }

  // What the logs of an epoch will hold.
  std::vector<LogName> names() const {
    std::vector<LogName> names = {{"loss", false}};
    for (const auto* list : {&options_.metrics, &options_.weighted_metrics})
      for (const Metric& metric : *list)
        names.push_back({metric.name(), metric.make()->larger_is_better()});
    if (validation_.defined())
      for (std::size_t i = 0, n = names.size(); i < n; ++i)
        names.push_back({"val_" + names[i].name, names[i].larger_is_better});
    return names;
  }

  // --- Training ---
  void call(void (Callback::*hook)(FitContext&)) {
    for (const CallbackHandle& callback : callbacks_) ((*callback).*hook)(*context_);
  }

  // False when it was interrupted before its end.
  bool train_epoch(Progress& progress, const InterruptGuard& interrupt) {
    FitContext& now = *context_;
    if (!in_epoch_) {
      totals_ = Totals(options_.loss, options_.metrics, options_.weighted_metrics, loc_);
      now.step = 0;
      now.logs = {};
      call(&Callback::on_epoch_begin);
      in_epoch_ = true;
    }
    batches_->begin();
    loader_epoch_ = batches_->loader().epoch();
    while (batches_->next()) {
      train_batch();
      progress.step(now.step, now.logs);
      const bool interrupted = interrupt.requested() && accumulation_->pending() == 0;
      if ((!now.stop && !interrupted) || batches_->is_last()) continue;
      if (!now.stop) return false;
      leave_epoch();
      break;
    }
    if (now.step == 0) fail("there is no batch to train on; expected data for at least one");
    return true;
  }

  void train_batch() {
    const ProfileSpan span("train batch", loc_);
    FitContext& now = *context_;
    call(&Callback::on_batch_begin);
    if (auto* lbfgs = dynamic_cast<optim::LBFGS*>(optimizer_)) {
      step(*lbfgs);
    } else {
      accumulation_->backward(compute(true), loc_);
      // The last group of an epoch may have fewer batches.
      if (!accumulation_->is_last() && batches_->is_last()) accumulation_->end_group(loc_);
      if (accumulation_->is_last()) clip();
      now.stepped = accumulation_->step(loc_);
    }
    ++now.step;
    now.logs = totals_.quick_logs();
    call(&Callback::on_batch_end);
  }

  // The loss of the batch; `counts` in the logs.
  Tensor compute(bool counts) {
    const Tensor output = model_(batches_->x(), loc_);
    const BatchLoss batch = batch_loss(options_.loss, output, batches_->y(), batches_->weights(),
                                       options_.divide_by_weights, loc_);
    if (counts)
      totals_.add(batch.value, batch.share, output.detach(), batches_->y(), batches_->weights(),
                  loc_);
    return batch.loss;
  }

  // L-BFGS computes the loss several times a step; the first one counts.
  void step(optim::LBFGS& lbfgs) {
    bool first = true;
    const auto closure = [&] {
      lbfgs.zero_grad();
      const Tensor loss = compute(std::exchange(first, false));
      loss.backward({}, false, false, loc_);
      clip();
      return loss;
    };
    lbfgs.step(closure, loc_);
    context_->stepped = true;
  }

  void clip() {
    if (options_.clip_norm > 0)
      optim::clip_grad_norm_(optimizer_->parameters(), options_.clip_norm, 2, false, loc_);
    if (options_.clip_value > 0)
      optim::clip_grad_value_(optimizer_->parameters(), options_.clip_value, loc_);
  }

  // A callback stopped in the middle: what is left of the epoch is not made up for later.
  void leave_epoch() {
    batches_->leave_epoch();
    accumulation_.emplace(*optimizer_, options_.accumulate, loc_);
  }

  // Adds what was measured; false when it was interrupted.
  bool validate(Logs& logs, const InterruptGuard& interrupt) {
    const EvaluateOptions how{.batch_size = options_.batch_size.value_or(kBatchSize),
                              .loss = options_.loss,
                              .metrics = options_.metrics,
                              .sample_weight = validation_weight_,
                              .divide_by_weights = options_.divide_by_weights,
                              .weighted_metrics = options_.weighted_metrics};
    std::optional<Batches> batches;
    if (validation_.loader() != nullptr)
      batches.emplace(model_, *validation_.loader(), ClassWeight{}, loc_);
    else
      batches.emplace(model_, validation_.data(), DataLoaderOptions{.batch_size = how.batch_size},
                      how.sample_weight, ClassWeight{}, loc_);
    const auto interrupted = [&] { return interrupt.requested(); };
    validation_order_ = batches->loader().state();
    call(&Callback::on_validation_begin);
    const std::optional<Logs> found = evaluate_batches(model_, *batches, how, interrupted, loc_);
    call(&Callback::on_validation_end);
    if (!found) batches->load_state(*validation_order_);  // it will be made up for, from its start
    validation_order_.reset();
    if (found)
      for (const auto& [name, value] : *found) logs.set("val_" + name, value);
    return found.has_value();
  }

  // False when it was interrupted.
  bool end_epoch(Progress& progress, const InterruptGuard& interrupt) {
    FitContext& now = *context_;
    Logs logs = totals_.logs();
    if (validation_.defined() && !validate(logs, interrupt)) return false;
    history_.append(logs, loc_);
    progress.end_epoch(logs);
    now.logs = std::move(logs);
    ++now.epoch;
    now.step = 0;
    in_epoch_ = false;
    call(&Callback::on_epoch_end);
    return true;
  }

  void on_interrupt() {
    FitContext& now = *context_;
    history_.interrupted = true;
    std::string how;
    for (const CallbackHandle& callback : callbacks_)
      if (const std::string said = callback->on_interrupt(now); !said.empty()) how = said;
    if (now.out == nullptr) return;
    *now.out << fmt::format(
        "{}Interrupted in epoch {}/{} after batch {}; {}\n", is_terminal(*now.out) ? "\n" : "",
        now.epoch + 1, now.epochs, of_steps(now.step, now.steps),
        how.empty() ? "nothing was saved (a Checkpoint would, unless it is best_only)"
                    : "to go on: " + how);
    now.out->flush();
  }

  // --- The state ---
  TrainingParts parts() {
    return {.model = &model_,
            .optimizer = optimizer_,
            .loader = &batches_->loader(),
            .history = &history_,
            .epoch = context_->epoch};
  }

  // "callbacks.early_stopping", and "callbacks.early_stopping_2" for the second of a kind.
  template <class Visit>
  void visit_callbacks(Visit visit) {
    std::map<std::string, int> seen;
    for (const CallbackHandle& callback : callbacks_) {
      const int number = ++seen[callback->name()];
      visit(fmt::format("callbacks.{}{}", callback->name(),
                        number == 1 ? "" : fmt::format("_{}", number)),
            *callback);
    }
  }

  State state() {
    State out = training_state(parts());
    if (in_epoch_) set_position(out);
    if (validation_.loader() != nullptr)
      out.add_part("validation_loader", validation_order_.value_or(validation_.loader()->state()));
    if (accumulation_->pending() > 0) out.add_part("accumulation", accumulation_->state());
    if (in_epoch_) out.add_part("totals", totals_.state());
    visit_callbacks([&](const std::string& prefix, const Callback& callback) {
      out.add_part(prefix, callback.state());
    });
    return out;
  }

  void load(const State& saved) {
    context_->epoch = load_training_state(saved, parts(), loc_);
    batches_->load_state(saved.part("loader"));
    context_->step = saved.part("loader").get<std::int64_t>("position", loc_);
    in_epoch_ = context_->step > 0;
    loader_epoch_ = batches_->loader().epoch();
    if (validation_.loader() != nullptr && saved.find_value("validation_loader.epoch") != nullptr)
      validation_.loader()->load_state(saved.part("validation_loader"), loc_);
    if (saved.find_value("accumulation.pending") != nullptr) load_accumulation(saved);
    if (saved.find_value("totals.loss") != nullptr) totals_.load_state(saved.part("totals"));
    visit_callbacks([&](const std::string& prefix, Callback& callback) {
      const State own = saved.part(prefix);
      if (!own.values.empty() || !own.tensors.empty()) callback.load_state(own);
    });
  }

  // Where the training is, which the loader is ahead of: before a batch is trained on, and, with
  // the next epoch, before this one's validation is done.
  void set_position(State& state) const {
    for (NamedAttr& v : state.values) {
      if (v.name == "loader.epoch") v.value = loader_epoch_;
      if (v.name == "loader.position") v.value = context_->step;
    }
  }

  void load_accumulation(const State& saved) {
    const auto k = saved.get<std::int64_t>("accumulation.k", loc_);
    if (k != options_.accumulate)
      fail(
          fmt::format("the state was saved between {} batches that make one step, accumulate is "
                      "{}; expected the same",
                      k, options_.accumulate));
    accumulation_->load_state(saved.part("accumulation"), loc_);
  }

  nn::Module& model_;
  FitOptions options_;
  std::source_location loc_;
  ValidationData validation_;
  Tensor validation_weight_;
  std::optional<State> validation_order_;  // of the batches, before the validation under way
  std::optional<Batches> batches_;
  std::unique_ptr<optim::Optimizer> made_;
  optim::Optimizer* optimizer_ = nullptr;
  std::optional<optim::GradientAccumulation> accumulation_;
  std::vector<CallbackHandle> callbacks_;
  History history_;
  Totals totals_;
  bool in_epoch_ = false;
  std::int64_t loader_epoch_ = 0;  // the loader's number of this epoch
  std::optional<FitContext> context_;
};

History fit(nn::Module& model, const Dataset& data, FitOptions options, std::source_location loc) {
  return FitRun(model, data, std::move(options), loc).run();
}
History fit(nn::Module& model, DataLoader& loader, FitOptions options, std::source_location loc) {
  return FitRun(model, loader, std::move(options), loc).run();
}

}  // namespace catena::train
