#include "catena/train/metric.hpp"

#include <cmath>
#include <limits>

#include "catena/graph/autograd.hpp"
#include "catena/train/metrics.hpp"
#include "catena/train/names.hpp"

namespace catena::train {

namespace {

template <class M>
std::unique_ptr<MetricBase> make() {
  return std::make_unique<M>();
}
struct Row {
  const char* name;
  std::unique_ptr<MetricBase> (*make)();
};
const Row kRows[] = {
    {"accuracy", make<Accuracy>},
    {"average_precision", make<AveragePrecision>},
    {"binary_accuracy", make<BinaryAccuracy>},
    {"f1", make<F1>},
    {"log_loss", make<LogLoss>},
    {"mae", make<MeanAbsoluteError>},
    {"mse", make<MeanSquaredError>},
    {"precision", make<Precision>},
    {"r2", make<R2>},
    {"recall", make<Recall>},
    {"rmse", make<RootMeanSquaredError>},
    {"roc_auc", make<RocAuc>},
    {"top_k_accuracy", make<TopKAccuracy>},
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

Metric::Metric(const char* text, std::source_location loc) : name_(text) {
  for (const Row& row : kRows)
    if (name_ == row.name) make_ = row.make;
  if (!make_) throw_unknown_name("fit", "metric", name_, metric_names(), loc);
}
Metric::Metric(const std::string& text, std::source_location loc) : Metric(text.c_str(), loc) {}
Metric::Metric(std::string name, Function function)
    : name_(std::move(name)), make_([function = std::move(function)] {
        return std::make_unique<FunctionMetric>(function);
      }) {}

double Metric::operator()(const Tensor& output, const Tensor& target, const Tensor& weights,
                          std::source_location loc) const {
  const std::unique_ptr<MetricBase> metric = make_();
  metric->update(output, target, weights, loc);
  return metric->compute();
}

}  // namespace catena::train
