#include "catena/train/metric.hpp"

#include <fmt/format.h>

#include <limits>
#include <type_traits>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/train/metrics.hpp"
#include "catena/train/names.hpp"
#include "catena/train/spec.hpp"

namespace catena::train {

namespace {

using Maker = std::function<std::unique_ptr<MetricBase>(bool of_probabilities)>;
using detail::Spec;
using detail::TextReader;

// The options as they are called in text.
struct NoOptions {};
void read(TextReader&, NoOptions&) {}
void read(TextReader& text, AccuracyOptions& o) { text.value("threshold", o.threshold); }
void read(TextReader& text, TopKAccuracyOptions& o) { text.value("k", o.k); }
void read(TextReader& text, LogLossOptions& o) { text.value("from_logits", o.from_logits); }
void read(TextReader& text, ClassAverageOptions& o) {
  text.value("average", o.average);
  text.value("zero_division", o.zero_division);
  text.value("threshold", o.threshold);
}
void read(TextReader& text, RankingOptions& o) {
  text.value("average", o.average);
  text.value("from_logits", o.from_logits);
}

// The defaults for outputs that are probabilities.
template <class Options>
Options probability_options() {
  Options options;
  if constexpr (requires { options.threshold; }) options.threshold = 0.5;
  if constexpr (requires { options.from_logits; }) options.from_logits = false;
  return options;
}

template <class M, class Options>
M construct(const Options& options, const std::source_location& loc) {
  if constexpr (std::is_same_v<Options, NoOptions>)
    return M();
  else if constexpr (std::is_constructible_v<M, Options, std::source_location>)
    return M(options, loc);
  else
    return M(options);
}

// The metric that the text asks for; `name` is what it is to be called, where the text says so.
template <class M, class Options = NoOptions>
Maker make(const Spec& spec, std::string* name, const std::source_location& loc) {
  const auto with = [&](Options options) {
    TextReader text(spec.name, spec.options, loc);
    read(text, options);
    text.value("name", *name);
    text.finish();
    return construct<M>(options, loc);
  };
  return [of_logits = with({}), of_probabilities = with(probability_options<Options>())](bool p) {
    return std::make_unique<M>(p ? of_probabilities : of_logits);
  };
}
struct Row {
  const char* name;
  Maker (*make)(const Spec&, std::string*, const std::source_location&);
};
const Row kRows[] = {
    {"accuracy", make<Accuracy, AccuracyOptions>},
    {"average_precision", make<AveragePrecision, RankingOptions>},
    {"binary_accuracy", make<BinaryAccuracy, AccuracyOptions>},
    {"f1", make<F1, ClassAverageOptions>},
    {"log_loss", make<LogLoss, LogLossOptions>},
    {"mae", make<MeanAbsoluteError>},
    {"mse", make<MeanSquaredError>},
    {"precision", make<Precision, ClassAverageOptions>},
    {"r2", make<R2>},
    {"recall", make<Recall, ClassAverageOptions>},
    {"rmse", make<RootMeanSquaredError>},
    {"roc_auc", make<RocAuc, RankingOptions>},
    {"top_k_accuracy", make<TopKAccuracy, TopKAccuracyOptions>},
};

// The mean of a number per batch.
class FunctionMetric : public SumMetric {
 public:
  explicit FunctionMetric(Metric::Function function) : function_(std::move(function)) {}
  const char* name() const override { return "function"; }
  double compute() const override {
    return sums_.empty() ? std::numeric_limits<double>::quiet_NaN() : sums_[0] / sums_[1];
  }
  std::optional<bool> larger_is_better() const override { return {}; }

 protected:
  void add(const Tensor& output, const Tensor& target, const Tensor&, const Location&) override {
    sums_.resize(2);
    const auto n = static_cast<double>(target.shape()[0]);
    sums_[0] += function_(output, target) * n;
    sums_[1] += n;
  }

 private:
  Metric::Function function_;
};

}  // namespace

void MetricBase::update(const Tensor& output, const Tensor& target, const Tensor& weights,
                        Location loc) {
  NoGrad no_grad;
  add(output, target, weights, loc);
}

State SumMetric::state() const {
  State out;
  out.add_value("sums", sums_);
  return out;
}
void SumMetric::load_state(const State& state) { sums_ = state.get<std::vector<double>>("sums"); }

const std::vector<std::string>& metric_names() {
  static const std::vector<std::string> names = [] {
    std::vector<std::string> out;
    for (const Row& row : kRows) out.emplace_back(row.name);
    return out;
  }();
  return names;
}

Metric::Metric(const char* text, std::source_location loc) {
  const Spec spec = detail::parse_spec("metric", text, loc);
  name_ = spec.name;
  for (const Row& row : kRows)
    if (spec.name == row.name) make_ = row.make(spec, &name_, loc);
  if (!make_) throw_unknown_name("metric", "metric", spec.name, metric_names(), loc);
  if (!spec.parts.empty())
    throw_argument(
        spec.name,
        fmt::format("'{}' is not an option; expected option=value", spec.parts.front().name), loc);
}
Metric::Metric(const std::string& text, std::source_location loc) : Metric(text.c_str(), loc) {}
Metric::Metric(std::string name, Function function)
    : name_(std::move(name)), make_([function = std::move(function)](bool) {
        return std::make_unique<FunctionMetric>(function);
      }) {}

double Metric::operator()(const Tensor& output, const Tensor& target, const Tensor& weights,
                          std::source_location loc) const {
  const std::unique_ptr<MetricBase> metric = make();
  metric->update(output, target, weights, loc);
  return metric->compute();
}

}  // namespace catena::train
