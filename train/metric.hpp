// The base of all metrics, and metrics by name.
#pragma once

#include <concepts>
#include <functional>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::train {

// A number about all samples since the last reset(), whatever batches they came in.
//
//   train::F1 f1({.average = "macro"});
//   for (auto [x, y] : loader) f1.update(net(x), y);
//   double value = f1.compute();
class MetricBase {
 public:
  using Location = std::source_location;

  virtual ~MetricBase() = default;
  // What it is called in logs: "f1".
  virtual const char* name() const = 0;
  // Takes in a batch, unrecorded. Entry i of dimension 0 of all three belongs to sample i; the
  // weights are [n], or undefined: all 1. Throws ArgumentError when shapes or dtypes do not fit.
  void update(const Tensor& output, const Tensor& target, const Tensor& weights = {},
              Location loc = Location::current());
  // NaN without samples.
  virtual double compute() const = 0;
  virtual void reset() = 0;

  // Whether larger is better, for callbacks that watch it; unknown for a function of the user's.
  virtual std::optional<bool> larger_is_better() const { return true; }
  // Whether compute() takes so little that it may be shown after every batch.
  virtual bool is_quick() const { return true; }
  // What was gathered so far, for a training that goes on in the middle of an epoch.
  virtual State state() const = 0;
  virtual void load_state(const State& state) = 0;

 protected:
  MetricBase() = default;
  MetricBase(const MetricBase&) = default;
  MetricBase& operator=(const MetricBase&) = default;
  virtual void add(const Tensor& output, const Tensor& target, const Tensor& weights,
                   const Location& loc) = 0;
};

// A metric that needs a handful of sums and no more.
class SumMetric : public MetricBase {
 public:
  void reset() override { sums_.clear(); }
  State state() const override;
  void load_state(const State& state) override;

 protected:
  std::vector<double> sums_;  // empty before the first batch
};

// A metric as an option of fit: its name, with options as text where it has some ("accuracy",
// "f1(average=macro)", "top_k_accuracy(k=3)"), a metric object, or a function of the user's own.
// Two of one kind get names of their own: "f1(average=micro, name=f1_micro)", Metric("name",
// F1(...)).
class Metric {
 public:
  using Function = std::function<double(const Tensor& output, const Tensor& target)>;
  // Throws ArgumentError with the nearest names when there is none of that name.
  Metric(const char* text, std::source_location loc = std::source_location::current());
  Metric(const std::string& text, std::source_location loc = std::source_location::current());
  template <std::derived_from<MetricBase> M>
  Metric(M metric) : Metric("", std::move(metric)) {}  // NOLINT: .metrics = {F1()}
  template <std::derived_from<MetricBase> M>
  Metric(std::string name, M metric) {
    metric.reset();
    name_ = name.empty() ? metric.name() : std::move(name);
    make_ = [metric = std::move(metric)](bool) { return std::make_unique<M>(metric); };
  }
  // A number per batch; over several, their mean weighted by the batches' sizes.
  Metric(std::string name, Function function);

  const std::string& name() const { return name_; }
  // A new one that has seen nothing. For outputs that are probabilities of class 1 a metric given
  // as text has other defaults: threshold 0.5, from_logits false.
  std::unique_ptr<MetricBase> make(bool of_probabilities = false) const {
    return make_(of_probabilities);
  }
  // The metric of a single batch.
  double operator()(const Tensor& output, const Tensor& target, const Tensor& weights = {},
                    std::source_location loc = std::source_location::current()) const;

 private:
  std::string name_;
  std::function<std::unique_ptr<MetricBase>(bool of_probabilities)> make_;
};

// The names there are: "accuracy", "average_precision", ...
const std::vector<std::string>& metric_names();

}  // namespace catena::train
