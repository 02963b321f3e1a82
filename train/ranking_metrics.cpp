#include "catena/train/ranking_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/train/metric_inputs.hpp"
#include "catena/train/names.hpp"

namespace catena::train {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// FP, TP at each distinct score, the largest first.
struct Points {
  std::vector<double> fp, tp, thresholds;
};

Points points_of(const std::vector<double>& scores, const std::vector<bool>& positive,
                 const std::vector<double>& weights) {
  std::vector<std::size_t> order;
  for (std::size_t i = 0; i < scores.size(); ++i)
    if (weights[i] != 0) order.push_back(i);
  // NaN goes last: a comparison with it would make the order undefined.
  std::ranges::stable_sort(order, [&](std::size_t a, std::size_t b) {
    return std::isnan(scores[b]) ? !std::isnan(scores[a]) : scores[a] > scores[b];
  });
  Points points;
  double fp = 0, tp = 0;
  for (std::size_t k = 0; k < order.size(); ++k) {
    const std::size_t i = order[k];
    (positive[i] ? tp : fp) += weights[i];
    if (k + 1 < order.size() && scores[order[k + 1]] == scores[i]) continue;
    points.fp.push_back(fp);
    points.tp.push_back(tp);
    points.thresholds.push_back(scores[i]);
  }
  return points;
}

// Keeps the first and last point and those between for which keep(i) holds.
template <class Keep>
void thin(Points* points, Keep keep) {
  const std::size_t n = points->fp.size();
  if (n <= 2) return;
  Points kept;
  for (std::size_t i = 0; i < n; ++i) {
    if (i != 0 && i != n - 1 && !keep(i)) continue;
    kept.fp.push_back(points->fp[i]);
    kept.tp.push_back(points->tp[i]);
    kept.thresholds.push_back(points->thresholds[i]);
  }
  *points = std::move(kept);
}

std::vector<double> divided(std::vector<double> values, double by, double otherwise) {
  for (double& v : values) v = by > 0 ? v / by : otherwise;
  return values;
}

struct RocValues {
  std::vector<double> fpr, tpr, thresholds;
};
RocValues roc_of(Points p, bool drop_intermediate) {
  const auto bends = [&](const std::vector<double>& v, std::size_t i) {
    return (v[i + 1] - v[i]) - (v[i] - v[i - 1]) != 0;
  };
  if (drop_intermediate) thin(&p, [&](std::size_t i) { return bends(p.fp, i) || bends(p.tp, i); });
  for (auto* v : {&p.fp, &p.tp}) v->insert(v->begin(), 0.0);
  p.thresholds.insert(p.thresholds.begin(), std::numeric_limits<double>::infinity());
  return {divided(p.fp, p.fp.back(), kNan), divided(p.tp, p.tp.back(), kNan), p.thresholds};
}

struct PrecisionRecallValues {
  std::vector<double> precision, recall, thresholds;
};
PrecisionRecallValues precision_recall_of(Points p, bool drop_intermediate) {
  if (drop_intermediate)
    thin(&p, [&](std::size_t i) { return p.tp[i] != p.tp[i - 1] || p.tp[i + 1] != p.tp[i]; });
  PrecisionRecallValues out;
  const double all = p.tp.empty() ? 0 : p.tp.back();
  out.recall = divided(p.tp, all, 1);
  for (std::size_t i = 0; i < p.tp.size(); ++i) {
    const double sum = p.tp[i] + p.fp[i];
    out.precision.push_back(sum != 0 ? p.tp[i] / sum : 0);
  }
  for (auto* v : {&out.precision, &out.recall, &p.thresholds}) std::ranges::reverse(*v);
  out.precision.push_back(1);
  out.recall.push_back(0);
  out.thresholds = std::move(p.thresholds);
  return out;
}

Tensor as_tensor(const std::vector<double>& v) {
  return tensor(v, {static_cast<std::int64_t>(v.size())});
}

// The points of the curve of class 1.
Points points_of(const char* metric, const detail::Ranking& ranking) {
  if (ranking.columns > 1)
    throw_argument(metric,
                   fmt::format("the outputs have {} columns; expected one score per sample, e.g. "
                               "the column of a class with the targets (labels == class)",
                               ranking.columns),
                   {});
  std::vector<bool> positive;
  for (std::int64_t t : ranking.target) positive.push_back(t == 1);
  return points_of(ranking.scores, positive, ranking.weights);
}

}  // namespace

void detail::Ranking::add(const char* metric, const Tensor& output, const Tensor& targets,
                          const Tensor& sample_weights, const std::source_location& loc) {
  const ScoreInputs in = read_scores(metric, output, targets, sample_weights, loc);
  if (columns != 0 && columns != in.columns)
    throw_argument(metric,
                   fmt::format("the outputs of this batch have {} columns, those before {}; "
                               "expected the same",
                               in.columns, columns),
                   loc);
  columns = in.columns;
  scores.insert(scores.end(), in.scores.begin(), in.scores.end());
  target.insert(target.end(), in.target.begin(), in.target.end());
  weights.insert(weights.end(), in.weights.begin(), in.weights.end());
}

// --- Curves ---

void RocCurve::update(const Tensor& output, const Tensor& target, const Tensor& weights,
                      Location loc) {
  NoGrad no_grad;
  ranking_.add("roc_curve", output, target, weights, loc);
}
RocPoints RocCurve::compute() const {
  const RocValues v = roc_of(points_of("roc_curve", ranking_), options_.drop_intermediate);
  return {as_tensor(v.fpr), as_tensor(v.tpr), as_tensor(v.thresholds)};
}

void PrecisionRecallCurve::update(const Tensor& output, const Tensor& target, const Tensor& weights,
                                  Location loc) {
  NoGrad no_grad;
  ranking_.add("precision_recall_curve", output, target, weights, loc);
}
PrecisionRecallPoints PrecisionRecallCurve::compute() const {
  const PrecisionRecallValues v = precision_recall_of(points_of("precision_recall_curve", ranking_),
                                                      options_.drop_intermediate);
  return {as_tensor(v.precision), as_tensor(v.recall), as_tensor(v.thresholds)};
}

// --- Areas ---

RankingMetric::RankingMetric(const char* metric, RankingOptions options, const Location& loc)
    : options_(std::move(options)) {
  const std::vector<std::string> averages = {"macro", "weighted"};
  if (std::ranges::find(averages, options_.average) == averages.end())
    throw_unknown_name(metric, "average", options_.average, averages, loc);
}

void RankingMetric::add(const Tensor& output, const Tensor& target, const Tensor& weights,
                        const Location& loc) {
  ranking_.add(name(), output, target, weights, loc);
}

double RankingMetric::compute() const {
  const std::size_t n = ranking_.target.size();
  if (n == 0) return kNan;
  std::vector<bool> positive(n);
  if (ranking_.columns == 1) {
    for (std::size_t i = 0; i < n; ++i) positive[i] = ranking_.target[i] == 1;
    return value(ranking_.scores, positive, ranking_.weights);
  }
  const auto columns = static_cast<std::size_t>(ranking_.columns);
  std::vector<double> scores = ranking_.scores;
  if (options_.from_logits)
    for (std::size_t i = 0; i < n; ++i) {
      double* row = scores.data() + i * columns;
      const double largest = *std::max_element(row, row + columns);
      double sum = 0;
      for (std::size_t c = 0; c < columns; ++c) sum += row[c] = std::exp(row[c] - largest);
      for (std::size_t c = 0; c < columns; ++c) row[c] /= sum;
    }
  const bool weighted = options_.average == "weighted";
  double sum = 0, weight_sum = 0;
  std::vector<double> column(n);
  for (std::size_t c = 0; c < columns; ++c) {
    double class_weight = 0;
    for (std::size_t i = 0; i < n; ++i) {
      column[i] = scores[i * columns + c];
      positive[i] = ranking_.target[i] == static_cast<std::int64_t>(c);
      if (positive[i]) class_weight += ranking_.weights[i];
    }
    if (weighted && class_weight == 0) continue;
    const double weight = weighted ? class_weight : 1;
    sum += weight * value(column, positive, ranking_.weights);
    weight_sum += weight;
  }
  return weight_sum == 0 ? 0 : sum / weight_sum;
}

double RocAuc::value(const std::vector<double>& scores, const std::vector<bool>& positive,
                     const std::vector<double>& weights) const {
  const RocValues v = roc_of(points_of(scores, positive, weights), true);
  double area = 0;
  for (std::size_t i = 1; i < v.fpr.size(); ++i)
    area += (v.fpr[i] - v.fpr[i - 1]) * (v.tpr[i] + v.tpr[i - 1]) / 2;
  return v.fpr.size() < 2 ? kNan : area;
}

double AveragePrecision::value(const std::vector<double>& scores, const std::vector<bool>& positive,
                               const std::vector<double>& weights) const {
  const PrecisionRecallValues v = precision_recall_of(points_of(scores, positive, weights), false);
  double area = 0;
  for (std::size_t i = 0; i + 1 < v.recall.size(); ++i)
    area += (v.recall[i] - v.recall[i + 1]) * v.precision[i];
  return area;
}

State RankingMetric::state() const {
  State out;
  out.add_value("columns", ranking_.columns);
  out.add("scores", as_tensor(ranking_.scores));
  out.add("target", tensor(ranking_.target, {static_cast<std::int64_t>(ranking_.target.size())}));
  out.add("weights", as_tensor(ranking_.weights));
  return out;
}

void RankingMetric::load_state(const State& state) {
  const auto read = [&](const char* part) {
    const Tensor* t = state.find_tensor(part);
    if (t == nullptr) throw_argument(name(), fmt::format("the state has no '{}'", part), {});
    return *t;
  };
  detail::Ranking loaded;
  loaded.columns = state.get<std::int64_t>("columns");
  loaded.scores = read("scores").to_vector<double>();
  loaded.target = read("target").to_vector<std::int64_t>();
  loaded.weights = read("weights").to_vector<double>();
  const std::size_t n = loaded.target.size();
  if (loaded.columns < 0 || loaded.weights.size() != n ||
      loaded.scores.size() != n * static_cast<std::size_t>(loaded.columns))
    throw_argument(name(), "the saved scores do not fit the saved targets", {});
  ranking_ = std::move(loaded);
}

// --- As functions ---

RocPoints roc_curve(const Tensor& output, const Tensor& target, const RocCurveOptions& options,
                    const Tensor& weights, std::source_location loc) {
  RocCurve curve(options);
  curve.update(output, target, weights, loc);
  return curve.compute();
}
PrecisionRecallPoints precision_recall_curve(const Tensor& output, const Tensor& target,
                                             const PrecisionRecallCurveOptions& options,
                                             const Tensor& weights, std::source_location loc) {
  PrecisionRecallCurve curve(options);
  curve.update(output, target, weights, loc);
  return curve.compute();
}
double roc_auc(const Tensor& output, const Tensor& target, const RankingOptions& options,
               const Tensor& weights, std::source_location loc) {
  RocAuc metric(options, loc);
  metric.update(output, target, weights, loc);
  return metric.compute();
}
double average_precision(const Tensor& output, const Tensor& target, const RankingOptions& options,
                         const Tensor& weights, std::source_location loc) {
  AveragePrecision metric(options, loc);
  metric.update(output, target, weights, loc);
  return metric.compute();
}

}  // namespace catena::train
