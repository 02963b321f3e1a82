// Metrics of how scores rank the samples. Names, formulas and edge cases are scikit-learn's.
//
// Outputs and targets as in classification_metrics.hpp. They are exact, so all scores are kept
// until reset(). At threshold s, TP(s) and FP(s) are the weights of the samples of class 1 and of
// the others whose score is at least s; equal scores share one point. Samples of weight 0 are left
// out.
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

#include "catena/train/metric.hpp"

namespace catena::train {

// Points of a curve, float64 [points] each.
struct RocPoints {
  Tensor fpr, tpr;    // FP / all of class 0, TP / all of class 1; from (0, 0). NaN without any
  Tensor thresholds;  // falling, from infinity
};
struct PrecisionRecallPoints {
  Tensor precision, recall;  // TP / (TP + FP), TP / all of class 1 (1 without any); recall falls,
                             // and the last point is (1, 0)
  Tensor thresholds;         // rising, one fewer than points
};

namespace detail {
// All scores since a reset.
struct Ranking {
  std::int64_t columns = 0;  // 0: nothing yet
  std::vector<double> scores;
  std::vector<std::int64_t> target;
  std::vector<double> weights;
  // Throws ArgumentError when the batch does not fit, or has other columns than those before.
  void add(const char* metric, const Tensor& output, const Tensor& target, const Tensor& weights,
           const std::source_location& loc);
};
}  // namespace detail

struct RocCurveOptions {
  bool drop_intermediate = true;  // leave out points on a line between their neighbours
};
// The curve of one score per sample.
class RocCurve {
 public:
  using Location = std::source_location;
  explicit RocCurve(RocCurveOptions options = {}) : options_(options) {}
  // See MetricBase::update.
  void update(const Tensor& output, const Tensor& target, const Tensor& weights = {},
              Location loc = Location::current());
  RocPoints compute() const;
  void reset() { ranking_ = {}; }

 private:
  RocCurveOptions options_;
  detail::Ranking ranking_;
};
RocPoints roc_curve(const Tensor& output, const Tensor& target, const RocCurveOptions& options = {},
                    const Tensor& weights = {},
                    std::source_location loc = std::source_location::current());

struct PrecisionRecallCurveOptions {
  bool drop_intermediate = false;  // leave out points that change neither neighbour's recall
};
class PrecisionRecallCurve {
 public:
  using Location = std::source_location;
  explicit PrecisionRecallCurve(PrecisionRecallCurveOptions options = {}) : options_(options) {}
  void update(const Tensor& output, const Tensor& target, const Tensor& weights = {},
              Location loc = Location::current());
  PrecisionRecallPoints compute() const;
  void reset() { ranking_ = {}; }

 private:
  PrecisionRecallCurveOptions options_;
  detail::Ranking ranking_;
};
PrecisionRecallPoints precision_recall_curve(
    const Tensor& output, const Tensor& target, const PrecisionRecallCurveOptions& options = {},
    const Tensor& weights = {}, std::source_location loc = std::source_location::current());

struct RankingOptions {
  // Over the classes of outputs [n, classes], each against the rest: "macro" their mean, "weighted"
  // the mean by the targets' weights.
  std::string average = "macro";
  // Outputs [n, classes] are logits, as the losses here take them, and ranked by their softmax;
  // false: ranked as they are.
  bool from_logits = true;
};

// Base of the two below.
class RankingMetric : public MetricBase {
 public:
  double compute() const override;
  void reset() override { ranking_ = {}; }
  bool is_quick() const override { return false; }
  State state() const override;
  void load_state(const State& state) override;

 protected:
  // Throws ArgumentError for an average there is not.
  RankingMetric(const char* metric, RankingOptions options, const Location& loc);
  void add(const Tensor& output, const Tensor& target, const Tensor& weights,
           const Location& loc) override;
  // The value of one class against the rest.
  virtual double value(const std::vector<double>& scores, const std::vector<bool>& positive,
                       const std::vector<double>& weights) const = 0;

 private:
  RankingOptions options_;
  detail::Ranking ranking_;
};

// The area under the ROC curve, by trapezoids over the distinct scores; NaN when a class that
// counts is the only one, or has no sample.
class RocAuc : public RankingMetric {
 public:
  explicit RocAuc(RankingOptions options = {}, Location loc = Location::current())
      : RankingMetric("roc_auc", std::move(options), loc) {}
  const char* name() const override { return "roc_auc"; }

 protected:
  double value(const std::vector<double>& scores, const std::vector<bool>& positive,
               const std::vector<double>& weights) const override;
};
double roc_auc(const Tensor& output, const Tensor& target, const RankingOptions& options = {},
               const Tensor& weights = {},
               std::source_location loc = std::source_location::current());

// The area under the precision-recall curve as steps: sum (recall[i] - recall[i + 1]) precision[i];
// 0 for a class without samples.
class AveragePrecision : public RankingMetric {
 public:
  explicit AveragePrecision(RankingOptions options = {}, Location loc = Location::current())
      : RankingMetric("average_precision", std::move(options), loc) {}
  const char* name() const override { return "average_precision"; }

 protected:
  double value(const std::vector<double>& scores, const std::vector<bool>& positive,
               const std::vector<double>& weights) const override;
};
double average_precision(const Tensor& output, const Tensor& target,
                         const RankingOptions& options = {}, const Tensor& weights = {},
                         std::source_location loc = std::source_location::current());

}  // namespace catena::train
