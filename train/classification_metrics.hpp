// Metrics of classifiers. Names, formulas and edge cases are scikit-learn's.
//
// Outputs are class scores [n, classes] (the largest is the prediction), one number per sample ([n]
// or [n, 1], class 1 above a threshold), or integer labels [n]. Targets are class indices [n], one
// of the classes' indicators [n, classes], or 0 and 1 of any dtype beside one number per sample.
// Each metric is a class and a function; w are the weights of the samples.
#pragma once

#include <cstdint>
#include <map>
#include <source_location>
#include <string>
#include <vector>

#include "catena/train/metric.hpp"

namespace catena::train {

struct AccuracyOptions {
  double threshold = 0;  // of one number per sample: 0 for logits, 0.5 for probabilities
};

// sum w [prediction = target] / sum w.
class Accuracy : public SumMetric {
 public:
  explicit Accuracy(AccuracyOptions options = {}) : options_(options) {}
  const char* name() const override { return "accuracy"; }
  double compute() const override;

 protected:
  void add(const Tensor& output, const Tensor& target, const Tensor& weights,
           const Location& loc) override;

 private:
  AccuracyOptions options_;
};
double accuracy(const Tensor& output, const Tensor& target, const AccuracyOptions& options = {},
                const Tensor& weights = {},
                std::source_location loc = std::source_location::current());

// The fraction of elements, of outputs and targets of equal shape, with (output > threshold) =
// (target > 0.5): for labels that do not exclude each other.
class BinaryAccuracy : public SumMetric {
 public:
  explicit BinaryAccuracy(AccuracyOptions options = {}) : options_(options) {}
  const char* name() const override { return "binary_accuracy"; }
  double compute() const override;

 protected:
  void add(const Tensor& output, const Tensor& target, const Tensor& weights,
           const Location& loc) override;

 private:
  AccuracyOptions options_;
};
double binary_accuracy(const Tensor& output, const Tensor& target,
                       const AccuracyOptions& options = {}, const Tensor& weights = {},
                       std::source_location loc = std::source_location::current());

struct TopKAccuracyOptions {
  std::int64_t k = 5;
};

// The weighted fraction of samples whose target is among the k largest scores; of equal scores the
// later class counts as larger. Outputs [n, classes].
class TopKAccuracy : public SumMetric {
 public:
  // Throws ArgumentError when k < 1.
  explicit TopKAccuracy(TopKAccuracyOptions options = {}, Location loc = Location::current());
  const char* name() const override { return "top_k_accuracy"; }
  double compute() const override;

 protected:
  void add(const Tensor& output, const Tensor& target, const Tensor& weights,
           const Location& loc) override;

 private:
  TopKAccuracyOptions options_;
};
double top_k_accuracy(const Tensor& output, const Tensor& target,
                      const TopKAccuracyOptions& options = {}, const Tensor& weights = {},
                      std::source_location loc = std::source_location::current());

struct LogLossOptions {
  bool from_logits =
      true;  // outputs are logits, as the losses here take them; false: probabilities
};

// sum w (-ln p[target]) / sum w; p the softmax of the scores, or the sigmoid of one number per
// sample. Probabilities are clipped to [e, 1 - e], e the machine epsilon of their dtype.
class LogLoss : public SumMetric {
 public:
  explicit LogLoss(LogLossOptions options = {}) : options_(options) {}
  const char* name() const override { return "log_loss"; }
  double compute() const override;
  std::optional<bool> larger_is_better() const override { return false; }

 protected:
  void add(const Tensor& output, const Tensor& target, const Tensor& weights,
           const Location& loc) override;

 private:
  LogLossOptions options_;
};
double log_loss(const Tensor& output, const Tensor& target, const LogLossOptions& options = {},
                const Tensor& weights = {},
                std::source_location loc = std::source_location::current());

struct ClassAverageOptions {
  // "binary": of class 1; labels are 0 and 1. "micro": of all decisions together. "macro": the mean
  // over the labels seen as target or prediction. "weighted": that mean by the targets' weights.
  std::string average = "binary";
  double zero_division = 0;  // stands for 0 / 0; NaN: left out of the mean over classes
  double threshold = 0;      // as for Accuracy
};

// Base of the three below: weights of a class as target (t), as prediction (p) and as both (h).
class ClassAverage : public MetricBase {
 public:
  double compute() const override;
  void reset() override { classes_.clear(); }
  State state() const override;
  void load_state(const State& state) override;

 protected:
  struct Counts {
    double hit = 0, predicted = 0, target = 0;
  };
  // Throws ArgumentError for an average there is not. The metric's name is for the message.
  ClassAverage(const char* metric, ClassAverageOptions options, const Location& loc);
  void add(const Tensor& output, const Tensor& target, const Tensor& weights,
           const Location& loc) override;
  // Numerator and denominator.
  virtual std::pair<double, double> fraction(const Counts& counts) const = 0;

 private:
  ClassAverageOptions options_;
  std::map<std::int64_t, Counts> classes_;
};

// h / p.
class Precision : public ClassAverage {
 public:
  explicit Precision(ClassAverageOptions options = {}, Location loc = Location::current())
      : ClassAverage("precision", std::move(options), loc) {}
  const char* name() const override { return "precision"; }

 protected:
  std::pair<double, double> fraction(const Counts& c) const override {
    return {c.hit, c.predicted};
  }
};
// h / t.
class Recall : public ClassAverage {
 public:
  explicit Recall(ClassAverageOptions options = {}, Location loc = Location::current())
      : ClassAverage("recall", std::move(options), loc) {}
  const char* name() const override { return "recall"; }

 protected:
  std::pair<double, double> fraction(const Counts& c) const override { return {c.hit, c.target}; }
};
// 2 h / (p + t), the harmonic mean of both.
class F1 : public ClassAverage {
 public:
  explicit F1(ClassAverageOptions options = {}, Location loc = Location::current())
      : ClassAverage("f1", std::move(options), loc) {}
  const char* name() const override { return "f1"; }

 protected:
  std::pair<double, double> fraction(const Counts& c) const override {
    return {2 * c.hit, c.predicted + c.target};
  }
};
double precision(const Tensor& output, const Tensor& target,
                 const ClassAverageOptions& options = {}, const Tensor& weights = {},
                 std::source_location loc = std::source_location::current());
double recall(const Tensor& output, const Tensor& target, const ClassAverageOptions& options = {},
              const Tensor& weights = {},
              std::source_location loc = std::source_location::current());
double f1(const Tensor& output, const Tensor& target, const ClassAverageOptions& options = {},
          const Tensor& weights = {}, std::source_location loc = std::source_location::current());

struct ConfusionMatrixOptions {
  std::int64_t num_classes = 0;  // rows and columns are 0 .. num_classes - 1; 0: the labels seen
  std::string normalize = "";    // "true", "pred" or "all": rows, columns or everything sum to 1
  double threshold = 0;          // as for Accuracy
};

// m[i, j] = weight of the samples of class i that were predicted as j.
class ConfusionMatrix {
 public:
  using Location = std::source_location;
  // Throws ArgumentError for a normalization there is not.
  explicit ConfusionMatrix(ConfusionMatrixOptions options = {}, Location loc = Location::current());
  // See MetricBase::update. Also throws for a label outside num_classes.
  void update(const Tensor& output, const Tensor& target, const Tensor& weights = {},
              Location loc = Location::current());
  // [classes, classes]: int64, or float64 when there were weights or it is normalized (0 / 0 = 0).
  Tensor compute() const;
  void reset() { *this = ConfusionMatrix(options_); }
  // The label of each row, ascending.
  std::vector<std::int64_t> labels() const;

 private:
  ConfusionMatrixOptions options_;
  bool weighted_ = false;
  std::map<std::pair<std::int64_t, std::int64_t>, double> cells_;
};
Tensor confusion_matrix(const Tensor& output, const Tensor& target,
                        const ConfusionMatrixOptions& options = {}, const Tensor& weights = {},
                        std::source_location loc = std::source_location::current());

}  // namespace catena::train
