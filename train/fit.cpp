#include "catena/train/fit.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iostream>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/slice.hpp"
#include "catena/train/make_optimizer.hpp"
#include "catena/train/state.hpp"

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

// Means over samples of the loss and the metrics.
class Averages {
 public:
  explicit Averages(const std::vector<Metric>& metrics) : metrics_(metrics) {
    sums_.resize(metrics.size() + 1);
  }
  void add(double loss, const Tensor& output, const Tensor& target) {
    const auto n = static_cast<double>(target.shape()[0]);
    samples_ += n;
    sums_[0] += loss * n;
    for (std::size_t i = 0; i < metrics_.size(); ++i)
      sums_[i + 1] += metrics_[i](output, target) * n;
  }
  Logs logs() const {
    Logs out;
    out.set("loss", sums_[0] / samples_);
    for (std::size_t i = 0; i < metrics_.size(); ++i)
      out.set(metrics_[i].name(), sums_[i + 1] / samples_);
    return out;
  }

 private:
  const std::vector<Metric>& metrics_;
  std::vector<double> sums_;
  double samples_ = 0;
};

double scalar_loss(const Tensor& loss, const std::source_location& loc) {
  if (loss.numel() != 1)
    throw_argument(
        "fit",
        fmt::format("the loss is {}; expected a scalar, e.g. its mean", to_string(loss.shape())),
        loc);
  return loss.item();
}

}  // namespace

OptimizerChoice::OptimizerChoice(const char* name, std::source_location loc) : name_(name) {
  optim::check_optimizer_name("fit", name_, loc);
}

// One call of fit.
class FitRun {
 public:
  FitRun(nn::Module& model, const Dataset& data, FitOptions options,
         const std::source_location& loc)
      : model_(model), options_(std::move(options)), loc_(loc) {
    check(data);
    Dataset training = data;
    validation_ = options_.validation_data;
    if (options_.validation_split > 0) {
      const auto kept = static_cast<std::int64_t>(static_cast<double>(data.size()) *
                                                  (1 - options_.validation_split));
      training = data.slice(0, kept);
      validation_ = data.slice(kept, data.size());
    }
    loader_.emplace(
        training,
        DataLoaderOptions{
            .batch_size = options_.batch_size, .shuffle = options_.shuffle, .seed = options_.seed},
        loc);
    optimizer_ = options_.optimizer.own_;
    if (optimizer_ == nullptr) {
      made_ = optim::make_optimizer(options_.optimizer.name_, model.parameters(), loc);
      optimizer_ = made_.get();
    }
  }

  History run() {
    ModeGuard mode(model_, true);
    std::int64_t epoch = 0;
    if (options_.resume != nullptr) epoch = load_training_state(*options_.resume, parts(0), loc_);
    Progress progress(options_.out != nullptr ? *options_.out : std::cout, options_.verbose,
                      options_.epochs, loader_->num_batches(), options_.log_every);
    for (bool stop = false; epoch < options_.epochs && !stop;) {
      progress.begin_epoch(epoch);
      Logs logs = train_epoch(progress);
      if (validation_.defined()) {
        const Logs held_out = evaluate(
            model_, validation_, {options_.batch_size, options_.loss, options_.metrics}, loc_);
        for (const auto& [name, value] : held_out) logs.set("val_" + name, value);
      }
      history_.append(logs, loc_);
      progress.end_epoch(logs);
      ++epoch;
      if (options_.on_epoch_end) {
        EpochEnd end{epoch, logs, history_, [&] { return training_state(parts(epoch)); }};
        options_.on_epoch_end(end);
        stop = end.stop;
      }
    }
    return history_;
  }

 private:
  void check(const Dataset& data) const {
    const auto fail = [&](std::string_view what) { throw_argument("fit", what, loc_); };
    if (!data.defined() || data.size() == 0) fail("there are no samples to train on");
    if (options_.epochs < 0)
      fail(fmt::format("epochs is {}; expected a number >= 0", options_.epochs));
    if (!(options_.validation_split >= 0 && options_.validation_split < 1))
      fail(fmt::format("validation_split is {}; expected a fraction in [0, 1)",
                       options_.validation_split));
    if (options_.validation_split > 0 && options_.validation_data.defined())
      fail("both validation_data and validation_split are given; give one");
    if (!grad_enabled()) fail("gradients are off here (NoGrad); training needs them");
  }

  TrainingParts parts(std::int64_t epoch) {
    return {.model = &model_,
            .optimizer = optimizer_,
            .loader = &*loader_,
            .history = &history_,
            .epoch = epoch};
  }

  Logs train_epoch(Progress& progress) {
    Averages averages(options_.metrics);
    std::int64_t step = 0;
    for (auto [x, y] : *loader_) {
      optimizer_->zero_grad();
      const Tensor output = model_(x, loc_);
      const Tensor loss = options_.loss(output, y);
      const double value = scalar_loss(loss, loc_);
      loss.backward({}, false, false, loc_);
      optimizer_->step(loc_);
      averages.add(value, output.detach(), y);
      progress.step(++step, averages.logs());
    }
    return averages.logs();
  }

  nn::Module& model_;
  FitOptions options_;
  std::source_location loc_;
  Dataset validation_;
  std::optional<DataLoader> loader_;
  std::unique_ptr<optim::Optimizer> made_;
  optim::Optimizer* optimizer_ = nullptr;
  History history_;
};

History fit(nn::Module& model, const Dataset& data, FitOptions options, std::source_location loc) {
  return FitRun(model, data, std::move(options), loc).run();
}

Logs evaluate(nn::Module& model, const Dataset& data, const EvaluateOptions& options,
              std::source_location loc) {
  ModeGuard mode(model, false);
  NoGrad no_grad;
  Averages averages(options.metrics);
  DataLoader loader(data, {.batch_size = options.batch_size}, loc);
  for (auto [x, y] : loader) {
    const Tensor output = model(x, loc);
    averages.add(scalar_loss(options.loss(output, y), loc), output, y);
  }
  return averages.logs();
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
