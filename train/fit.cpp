#include "catena/train/fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/slice.hpp"
#include "catena/train/callbacks.hpp"
#include "catena/train/clip_grad.hpp"
#include "catena/train/interrupt.hpp"
#include "catena/train/make_optimizer.hpp"
#include "catena/train/sample_weights.hpp"
#include "catena/train/state.hpp"
#include "catena/train/totals.hpp"

namespace catena::train {

namespace {

// Puts a model into a mode and back, also when an exception passes.
class ModeGuard {
 public:
  ModeGuard(nn::Module& model, bool training) : model_(model), before_(model.is_training()) {
    model_.train(training);
  }
  ~ModeGuard() { model_.train(before_); }
  ModeGuard(const ModeGuard&) = delete;
  ModeGuard& operator=(const ModeGuard&) = delete;

 private:
  nn::Module& model_;
  bool before_;
};

// The samples' weights in the order of a loader of the same size, order and position; undefined
// without weights.
class WeightLoader {
 public:
  WeightLoader() = default;
  WeightLoader(const Tensor& weights, const DataLoader& data, const std::source_location& loc) {
    if (!weights.defined()) return;
    DataLoaderOptions options = data.options();
    options.seed = static_cast<std::uint64_t>(data.state().get<std::int64_t>("seed"));
    loader_.emplace(Dataset(weights, weights, loc), options, loc);
  }
  void load_state(const State& state, const std::source_location& loc) {
    if (loader_) loader_->load_state(state, loc);
  }
  // At the begin of each loop over the data, and for each of its batches.
  void begin() {
    if (loader_) at_.emplace(loader_->begin());
  }
  Tensor next() {
    if (!loader_) return {};
    Tensor weights = (**at_).x;
    ++*at_;
    return weights;
  }

 private:
  std::optional<DataLoader> loader_;
  std::optional<DataLoader::Iterator> at_;
};

}  // namespace

OptimizerChoice::OptimizerChoice(const char* name, std::source_location loc) : name_(name) {
  optim::check_optimizer_name("fit", name_, loc);
}

// One call of fit.
class FitRun {
 public:
  FitRun(nn::Module& model, const Dataset& data, FitOptions options,
         const std::source_location& loc)
      : model_(model),
        options_(std::move(options)),
        loc_(loc),
        totals_(options_.metrics, options_.weighted_metrics, loc) {
    check(data);
    make_data(data);
    make_optimizer();
    order_callbacks();
  }

  History run() {
    ModeGuard mode(model_, true);
    InterruptGuard interrupt(options_.interruptible);
    context_.emplace(FitContext{.model = model_,
                                .optimizer = *optimizer_,
                                .history = history_,
                                .names = names(),
                                .epochs = options_.epochs,
                                .steps = loader_->num_batches(),
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
      if (!train_epoch(progress, interrupt)) break;
      end_epoch(progress);
    }
    if (interrupt.requested() && now.epoch < now.epochs && !now.stop) on_interrupt();
    now.logs = {};
    call(&Callback::on_train_end);
    return std::move(history_);
  }

 private:
  // --- Before the first epoch ---
  void check(const Dataset& data) const {
    const auto fail = [&](std::string_view what) { throw_argument("fit", what, loc_); };
    if (!data.defined() || data.size() == 0) fail("there are no samples to train on");
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
    if (options_.validation_split > 0 && options_.validation_data.defined())
      fail("both validation_data and validation_split are given; give one");
    if (options_.validation_sample_weight.defined() && !options_.validation_data.defined())
      fail(
          "validation_sample_weight is given without validation_data; expected both (with "
          "validation_split the weights are split too)");
    if (!grad_enabled()) fail("gradients are off here (NoGrad); training needs them");
  }

  void make_data(const Dataset& data) {
    Dataset training = data;
    Tensor own_weight = options_.sample_weight;
    validation_ = options_.validation_data;
    validation_weight_ = options_.validation_sample_weight;
    sample_weights(data, own_weight, {}, loc_);  // checked before it is split
    if (options_.validation_split > 0) {
      const auto kept = static_cast<std::int64_t>(static_cast<double>(data.size()) *
                                                  (1 - options_.validation_split));
      if (kept == 0)
        throw_argument("fit",
                       fmt::format("validation_split is {} of {} samples; expected some to be "
                                   "left for training",
                                   options_.validation_split, data.size()),
                       loc_);
      training = data.slice(0, kept);
      validation_ = data.slice(kept, data.size());
      if (own_weight.defined()) {
        validation_weight_ = slice(own_weight, 0, kept, data.size());
        own_weight = slice(own_weight, 0, 0, kept);
      }
    }
    loader_.emplace(
        training,
        DataLoaderOptions{
            .batch_size = options_.batch_size, .shuffle = options_.shuffle, .seed = options_.seed},
        loc_);
    weights_ = WeightLoader(sample_weights(training, own_weight, options_.class_weight, loc_),
                            *loader_, loc_);
  }

  void make_optimizer() {
    optimizer_ = options_.optimizer.own_;
    if (optimizer_ != nullptr) return;
    made_ = optim::make_optimizer(options_.optimizer.name_, model_.parameters(), loc_);
    optimizer_ = made_.get();
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
      totals_ = Totals(options_.metrics, options_.weighted_metrics, loc_);
      now.step = 0;
      now.logs = {};
      call(&Callback::on_epoch_begin);
      in_epoch_ = true;
    }
    weights_.begin();
    for (auto [x, y] : *loader_) {
      train_batch(x, y, weights_.next());
      progress.step(now.step, now.logs);
      if (now.step == now.steps) continue;  // and the loader moves on to the next epoch
      if (now.stop) {
        leave_epoch();
        break;
      }
      if (pending_ == 0 && interrupt.requested()) return false;
    }
    return true;
  }

  void train_batch(const Tensor& x, const Tensor& y, const Tensor& weights) {
    FitContext& now = *context_;
    call(&Callback::on_batch_begin);
    if (pending_ == 0) optimizer_->zero_grad();
    const Tensor output = model_(x, loc_);
    const BatchLoss batch =
        batch_loss(options_.loss, output, y, weights, options_.divide_by_weights, loc_);
    // The last group of an epoch may have fewer batches; its gradient is a mean as well.
    const std::int64_t group = std::min(options_.accumulate, now.steps - (now.step - pending_));
    (group > 1 ? batch.loss / static_cast<double>(group) : batch.loss)
        .backward({}, false, false, loc_);
    now.stepped = ++pending_ == group;
    if (now.stepped) {
      clip();
      optimizer_->step(loc_);
      pending_ = 0;
    }
    totals_.add(batch.value, batch.share, output.detach(), y, weights, loc_);
    ++now.step;
    now.logs = totals_.quick_logs();
    call(&Callback::on_batch_end);
  }

  void clip() {
    if (options_.clip_norm > 0)
      optim::clip_grad_norm_(optimizer_->parameters(), options_.clip_norm, 2, false, loc_);
    if (options_.clip_value > 0)
      optim::clip_grad_value_(optimizer_->parameters(), options_.clip_value, loc_);
  }

  // A callback stopped in the middle: what is left of the epoch is not made up for later.
  void leave_epoch() {
    State order = loader_->state();
    for (NamedAttr& v : order.values) {
      if (v.name == "epoch") v.value = loader_->epoch() + 1;
      if (v.name == "position") v.value = std::int64_t{0};
    }
    loader_->load_state(order, loc_);
    weights_.load_state(order, loc_);
    if (pending_ > 0) optimizer_->zero_grad();
    pending_ = 0;
  }

  void end_epoch(Progress& progress) {
    FitContext& now = *context_;
    Logs logs = totals_.logs();
    if (validation_.defined()) {
      const Logs held_out = evaluate(model_, validation_,
                                     {.batch_size = options_.batch_size,
                                      .loss = options_.loss,
                                      .metrics = options_.metrics,
                                      .sample_weight = validation_weight_,
                                      .divide_by_weights = options_.divide_by_weights,
                                      .weighted_metrics = options_.weighted_metrics},
                                     loc_);
      for (const auto& [name, value] : held_out) logs.set("val_" + name, value);
    }
    history_.append(logs, loc_);
    progress.end_epoch(logs);
    now.logs = std::move(logs);
    ++now.epoch;
    now.step = 0;
    in_epoch_ = false;
    call(&Callback::on_epoch_end);
  }

  void on_interrupt() {
    FitContext& now = *context_;
    history_.interrupted = true;
    std::string how;
    for (const CallbackHandle& callback : callbacks_)
      if (const std::string said = callback->on_interrupt(now); !said.empty()) how = said;
    if (now.out == nullptr) return;
    *now.out << fmt::format(
        "{}Interrupted in epoch {}/{} after batch {}/{}; {}\n", is_terminal(*now.out) ? "\n" : "",
        now.epoch + 1, now.epochs, now.step, now.steps,
        how.empty() ? "nothing was saved (a Checkpoint callback would)" : "to go on: " + how);
    now.out->flush();
  }

  // --- The state ---
  TrainingParts parts() {
    return {.model = &model_,
            .optimizer = optimizer_,
            .loader = &*loader_,
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
    if (pending_ > 0)
      throw_argument("fit",
                     "the state is asked for between batches whose gradients are accumulated; "
                     "expected the end of an epoch, or of a batch after which the optimizer made "
                     "its step",
                     loc_);
    State out = training_state(parts());
    if (in_epoch_) out.add_part("totals", totals_.state());
    visit_callbacks([&](const std::string& prefix, const Callback& callback) {
      out.add_part(prefix, callback.state());
    });
    return out;
  }

  void load(const State& saved) {
    context_->epoch = load_training_state(saved, parts(), loc_);
    weights_.load_state(saved.part("loader"), loc_);
    context_->step = saved.part("loader").get<std::int64_t>("position", loc_);
    in_epoch_ = context_->step > 0;
    if (saved.find_value("totals.loss") != nullptr) totals_.load_state(saved.part("totals"));
    visit_callbacks([&](const std::string& prefix, Callback& callback) {
      const State own = saved.part(prefix);
      if (!own.values.empty() || !own.tensors.empty()) callback.load_state(own);
    });
  }

  nn::Module& model_;
  FitOptions options_;
  std::source_location loc_;
  Dataset validation_;
  Tensor validation_weight_;
  std::optional<DataLoader> loader_;
  WeightLoader weights_;
  std::unique_ptr<optim::Optimizer> made_;
  optim::Optimizer* optimizer_ = nullptr;
  std::vector<CallbackHandle> callbacks_;
  History history_;
  Totals totals_;
  std::int64_t pending_ = 0;  // batches whose gradients wait for a step
  bool in_epoch_ = false;
  std::optional<FitContext> context_;
};

History fit(nn::Module& model, const Dataset& data, FitOptions options, std::source_location loc) {
  return FitRun(model, data, std::move(options), loc).run();
}

Logs evaluate(nn::Module& model, const Dataset& data, const EvaluateOptions& options,
              std::source_location loc) {
  ModeGuard mode(model, false);
  NoGrad no_grad;
  Totals totals(options.metrics, options.weighted_metrics, loc);
  DataLoader loader(data, {.batch_size = options.batch_size}, loc);
  WeightLoader weights(sample_weights(data, options.sample_weight, {}, loc), loader, loc);
  weights.begin();
  for (auto [x, y] : loader) {
    const Tensor output = model(x, loc), w = weights.next();
    const BatchLoss batch = batch_loss(options.loss, output, y, w, options.divide_by_weights, loc);
    totals.add(batch.value, batch.share, output, y, w, loc);
  }
  return totals.logs();
}

Tensor predict(nn::Module& model, const Tensor& x, std::int64_t batch_size,
               std::source_location loc) {
  if (!x.defined() || x.rank() == 0)
    throw_argument("predict", "x must be a tensor of at least one dimension", loc);
  if (batch_size <= 0)
    throw_argument("predict", fmt::format("batch_size is {}; expected at least 1", batch_size),
                   loc);
  ModeGuard mode(model, false);
  NoGrad no_grad;
  const std::int64_t n = x.shape()[0];
  if (n <= batch_size) return model(x, loc);
  std::vector<Tensor> parts;
  for (std::int64_t from = 0; from < n; from += batch_size)
    parts.push_back(model(slice(x, 0, from, std::min(from + batch_size, n)), loc));
  return concat(parts, 0, loc);
}

}  // namespace catena::train
