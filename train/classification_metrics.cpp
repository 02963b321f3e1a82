#include "catena/train/classification_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <set>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/train/metric_inputs.hpp"
#include "catena/train/names.hpp"

namespace catena::train {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// sums = {weight of the hits, weight of all}.
void add_hit(std::vector<double>* sums, bool hit, double weight) {
  sums->resize(2);
  if (hit) (*sums)[0] += weight;
  (*sums)[1] += weight;
}
double first_over_second(const std::vector<double>& sums) {
  return sums.empty() ? kNan : sums[0] / sums[1];
}

// ln(sum e^row) without overflow.
double log_sum_exp(const double* row, std::int64_t n) {
  const double largest = *std::max_element(row, row + n);
  if (!std::isfinite(largest)) return largest;
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += std::exp(row[i] - largest);
  return largest + std::log(sum);
}

template <class M, class Options>
double of_batch(const Options& options, const Tensor& output, const Tensor& target,
                const Tensor& weights, const std::source_location& loc) {
  M metric = [&] {
    if constexpr (std::is_constructible_v<M, Options, std::source_location>)
      return M(options, loc);
    else
      return M(options);
  }();
  metric.update(output, target, weights, loc);
  return metric.compute();
}

}  // namespace

// --- Accuracies ---

double Accuracy::compute() const { return first_over_second(sums_); }
void Accuracy::add(const Tensor& output, const Tensor& target, const Tensor& weights,
                   const Location& loc) {
  const auto in = detail::read_labels(name(), output, target, weights, options_.threshold, loc);
  for (std::size_t i = 0; i < in.target.size(); ++i)
    add_hit(&sums_, in.predicted[i] == in.target[i], in.weights[i]);
}

double BinaryAccuracy::compute() const { return first_over_second(sums_); }
void BinaryAccuracy::add(const Tensor& output, const Tensor& target, const Tensor& weights,
                         const Location& loc) {
  const auto in = detail::read_values(name(), output, target, weights, loc);
  for (std::size_t i = 0; i < in.target.size(); ++i)
    add_hit(&sums_, (in.output[i] > options_.threshold) == (in.target[i] > 0.5),
            in.weights[i / static_cast<std::size_t>(in.columns)]);
}

TopKAccuracy::TopKAccuracy(TopKAccuracyOptions options, Location loc) : options_(options) {
  if (options_.k < 1)
    throw_argument(name(), fmt::format("k is {}; expected at least 1", options_.k), loc);
}
double TopKAccuracy::compute() const { return first_over_second(sums_); }
void TopKAccuracy::add(const Tensor& output, const Tensor& target, const Tensor& weights,
                       const Location& loc) {
  const auto in = detail::read_scores(name(), output, target, weights, loc);
  if (in.columns < 2)
    throw_argument(name(),
                   fmt::format("the output is {}; expected [n, classes] with at least two classes",
                               to_string(output.shape())),
                   loc);
  for (std::size_t i = 0; i < in.target.size(); ++i) {
    const double* row = in.scores.data() + i * static_cast<std::size_t>(in.columns);
    const std::int64_t label = in.target[i];
    std::int64_t larger = 0;
    for (std::int64_t c = 0; c < in.columns; ++c)
      larger += row[c] > row[label] || (c > label && row[c] == row[label]);
    add_hit(&sums_, larger < options_.k, in.weights[i]);
  }
}

// --- Log loss ---

double LogLoss::compute() const { return first_over_second(sums_); }
void LogLoss::add(const Tensor& output, const Tensor& target, const Tensor& weights,
                  const Location& loc) {
  const auto in = detail::read_scores(name(), output, target, weights, loc);
  const double eps = output.dtype() == kFloat64 ? std::numeric_limits<double>::epsilon()
                                                : std::numeric_limits<float>::epsilon();
  if (in.target.empty()) return;
  sums_.resize(2);
  for (std::size_t i = 0; i < in.target.size(); ++i) {
    const double* row = in.scores.data() + i * static_cast<std::size_t>(in.columns);
    double loss;
    if (options_.from_logits && in.columns == 1) {
      // ln(1 + e^-x), x the logit of the true class.
      const double x = in.target[i] == 1 ? row[0] : -row[0];
      loss = std::max(-x, 0.0) + std::log1p(std::exp(-std::abs(x)));
    } else if (options_.from_logits) {
      loss = log_sum_exp(row, in.columns) - row[in.target[i]];
    } else {
      const double p = in.columns > 1 ? row[in.target[i]] : in.target[i] == 1 ? row[0] : 1 - row[0];
      if (!(p >= 0 && p <= 1))
        throw_argument(name(),
                       fmt::format("a probability is {}; expected numbers in [0, 1], or the "
                                   "option from_logits",
                                   p),
                       loc);
      loss = -std::log(std::clamp(p, eps, 1 - eps));
    }
    sums_[0] += in.weights[i] * loss;
    sums_[1] += in.weights[i];
  }
}

// --- Precision, recall, F1 ---

ClassAverage::ClassAverage(const char* metric, ClassAverageOptions options, const Location& loc)
    : options_(std::move(options)) {
  const std::vector<std::string> averages = {"binary", "micro", "macro", "weighted"};
  if (std::ranges::find(averages, options_.average) == averages.end())
    throw_unknown_name(metric, "average", options_.average, averages, loc);
}

void ClassAverage::add(const Tensor& output, const Tensor& target, const Tensor& weights,
                       const Location& loc) {
  const auto in = detail::read_labels(name(), output, target, weights, options_.threshold, loc);
  if (options_.average == "binary")
    for (const auto* labels : {&in.target, &in.predicted})
      for (std::int64_t label : *labels)
        if (label != 0 && label != 1)
          throw_argument(name(),
                         fmt::format("there is a class {}, but average is \"binary\"; expected "
                                     "classes 0 and 1, or the average \"macro\", \"micro\" or "
                                     "\"weighted\"",
                                     label),
                         loc);
  for (std::size_t i = 0; i < in.target.size(); ++i) {
    Counts& target_class = classes_[in.target[i]];
    target_class.target += in.weights[i];
    if (in.predicted[i] == in.target[i]) target_class.hit += in.weights[i];
    classes_[in.predicted[i]].predicted += in.weights[i];
  }
}

double ClassAverage::compute() const {
  if (classes_.empty()) return kNan;
  const auto value = [&](const Counts& counts) {
    const auto [a, b] = fraction(counts);
    return b == 0 ? options_.zero_division : a / b;
  };
  if (options_.average == "binary") {
    const auto one = classes_.find(1);
    return value(one == classes_.end() ? Counts{} : one->second);
  }
  if (options_.average == "micro") {
    Counts all;
    for (const auto& [label, counts] : classes_) {
      all.hit += counts.hit;
      all.predicted += counts.predicted;
      all.target += counts.target;
    }
    return value(all);
  }
  const bool weighted = options_.average == "weighted";
  double sum = 0, weight_sum = 0, plain_sum = 0, known = 0;
  for (const auto& [label, counts] : classes_) {
    const double v = value(counts);
    if (std::isnan(v)) continue;
    const double weight = weighted ? counts.target : 1;
    sum += weight * v;
    weight_sum += weight;
    plain_sum += v;
    ++known;
  }
  if (known == 0) return kNan;
  return weight_sum == 0 ? plain_sum / known : sum / weight_sum;
}

State ClassAverage::state() const {
  std::vector<std::int64_t> labels;
  std::vector<double> counts;
  for (const auto& [label, c] : classes_) {
    labels.push_back(label);
    counts.insert(counts.end(), {c.hit, c.predicted, c.target});
  }
  State out;
  if (labels.empty()) return out;
  out.add_value("labels", labels);
  out.add_value("counts", counts);
  return out;
}

void ClassAverage::load_state(const State& state) {
  classes_.clear();
  if (state.find_value("labels") == nullptr) return;
  const auto labels = state.get<std::vector<std::int64_t>>("labels");
  const auto counts = state.get<std::vector<double>>("counts");
  if (counts.size() != 3 * labels.size())
    throw_argument(name(), "the saved counts do not fit the saved labels", {});
  for (std::size_t i = 0; i < labels.size(); ++i)
    classes_[labels[i]] = {counts[3 * i], counts[3 * i + 1], counts[3 * i + 2]};
}

// --- Confusion matrix ---

ConfusionMatrix::ConfusionMatrix(ConfusionMatrixOptions options, Location loc)
    : options_(std::move(options)) {
  const std::vector<std::string> known = {"", "true", "pred", "all"};
  if (std::ranges::find(known, options_.normalize) == known.end())
    throw_unknown_name("confusion_matrix", "normalization", options_.normalize,
                       std::array<std::string, 3>{"true", "pred", "all"}, loc);
  if (options_.num_classes < 0)
    throw_argument("confusion_matrix",
                   fmt::format("num_classes is {}; expected at least 0", options_.num_classes),
                   loc);
}

void ConfusionMatrix::update(const Tensor& output, const Tensor& target, const Tensor& weights,
                             Location loc) {
  NoGrad no_grad;
  const auto in =
      detail::read_labels("confusion_matrix", output, target, weights, options_.threshold, loc);
  for (const auto* labels : {&in.target, &in.predicted})
    for (std::int64_t label : *labels)
      if (options_.num_classes > 0 && (label < 0 || label >= options_.num_classes))
        throw_argument("confusion_matrix",
                       fmt::format("there is a class {}; expected classes in [0, {}), as "
                                   "num_classes says",
                                   label, options_.num_classes),
                       loc);
  weighted_ |= weights.defined();
  for (std::size_t i = 0; i < in.target.size(); ++i)
    cells_[{in.target[i], in.predicted[i]}] += in.weights[i];
}

std::vector<std::int64_t> ConfusionMatrix::labels() const {
  std::set<std::int64_t> seen;
  for (std::int64_t c = 0; c < options_.num_classes; ++c) seen.insert(c);
  for (const auto& [cell, weight] : cells_) seen.insert({cell.first, cell.second});
  return {seen.begin(), seen.end()};
}

Tensor ConfusionMatrix::compute() const {
  const std::vector<std::int64_t> labels = this->labels();
  const std::size_t n = labels.size();
  const auto row_of = [&](std::int64_t label) {
    return static_cast<std::size_t>(std::ranges::lower_bound(labels, label) - labels.begin());
  };
  std::vector<double> values(n * n), rows(n), columns(n);
  double all = 0;
  for (const auto& [cell, weight] : cells_) {
    const std::size_t i = row_of(cell.first), j = row_of(cell.second);
    values[i * n + j] = weight;
    rows[i] += weight;
    columns[j] += weight;
    all += weight;
  }
  const Shape shape{static_cast<std::int64_t>(n), static_cast<std::int64_t>(n)};
  if (options_.normalize.empty()) {
    if (weighted_) return tensor(values, shape);
    return tensor(std::vector<std::int64_t>(values.begin(), values.end()), shape);
  }
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) {
      const double by = options_.normalize == "true"   ? rows[i]
                        : options_.normalize == "pred" ? columns[j]
                                                       : all;
      values[i * n + j] = by == 0 ? 0 : values[i * n + j] / by;
    }
  return tensor(values, shape);
}

// --- As functions ---

double accuracy(const Tensor& output, const Tensor& target, const AccuracyOptions& options,
                const Tensor& weights, std::source_location loc) {
  return of_batch<Accuracy>(options, output, target, weights, loc);
}
double binary_accuracy(const Tensor& output, const Tensor& target, const AccuracyOptions& options,
                       const Tensor& weights, std::source_location loc) {
  return of_batch<BinaryAccuracy>(options, output, target, weights, loc);
}
double top_k_accuracy(const Tensor& output, const Tensor& target,
                      const TopKAccuracyOptions& options, const Tensor& weights,
                      std::source_location loc) {
  return of_batch<TopKAccuracy>(options, output, target, weights, loc);
}
double log_loss(const Tensor& output, const Tensor& target, const LogLossOptions& options,
                const Tensor& weights, std::source_location loc) {
  return of_batch<LogLoss>(options, output, target, weights, loc);
}
double precision(const Tensor& output, const Tensor& target, const ClassAverageOptions& options,
                 const Tensor& weights, std::source_location loc) {
  return of_batch<Precision>(options, output, target, weights, loc);
}
double recall(const Tensor& output, const Tensor& target, const ClassAverageOptions& options,
              const Tensor& weights, std::source_location loc) {
  return of_batch<Recall>(options, output, target, weights, loc);
}
double f1(const Tensor& output, const Tensor& target, const ClassAverageOptions& options,
          const Tensor& weights, std::source_location loc) {
  return of_batch<F1>(options, output, target, weights, loc);
}
Tensor confusion_matrix(const Tensor& output, const Tensor& target,
                        const ConfusionMatrixOptions& options, const Tensor& weights,
                        std::source_location loc) {
  ConfusionMatrix matrix(options, loc);
  matrix.update(output, target, weights, loc);
  return matrix.compute();
}

}  // namespace catena::train
