// Metrics of numbers against numbers. Names, formulas and edge cases are scikit-learn's.
//
// Outputs y and targets t have equal shapes [n, ...]; what comes after dimension 0 are separate
// quantities, whose metrics are averaged with equal weights. w are the weights of the samples.
#pragma once

#include <source_location>

#include "catena/train/metric.hpp"

namespace catena::train {

// Base of the first three: sums of w and of w e(y - t), by quantity.
class ErrorMetric : public SumMetric {
 public:
  double compute() const override;
  std::optional<bool> larger_is_better() const override { return false; }

 protected:
  void add(const Tensor& output, const Tensor& target, const Tensor& weights,
           const Location& loc) override;
  virtual double error(double difference) const = 0;
  virtual double of_mean(double mean) const { return mean; }
};

// sum w (y - t)^2 / sum w.
class MeanSquaredError : public ErrorMetric {
 public:
  const char* name() const override { return "mse"; }

 protected:
  double error(double difference) const override { return difference * difference; }
};
// The root of that, taken before the quantities are averaged.
class RootMeanSquaredError : public ErrorMetric {
 public:
  const char* name() const override { return "rmse"; }

 protected:
  double error(double difference) const override { return difference * difference; }
  double of_mean(double mean) const override;
};
// sum w |y - t| / sum w.
class MeanAbsoluteError : public ErrorMetric {
 public:
  const char* name() const override { return "mae"; }

 protected:
  double error(double difference) const override;
};
// 1 - sum w (y - t)^2 / sum w (t - mean t)^2, the mean weighted too. Where all targets are equal: 1
// if all outputs are right, else 0. NaN for fewer than two samples.
class R2 : public SumMetric {
 public:
  const char* name() const override { return "r2"; }
  double compute() const override;

 protected:
  void add(const Tensor& output, const Tensor& target, const Tensor& weights,
           const Location& loc) override;
};

double mean_squared_error(const Tensor& output, const Tensor& target, const Tensor& weights = {},
                          std::source_location loc = std::source_location::current());
double root_mean_squared_error(const Tensor& output, const Tensor& target,
                               const Tensor& weights = {},
                               std::source_location loc = std::source_location::current());
double mean_absolute_error(const Tensor& output, const Tensor& target, const Tensor& weights = {},
                           std::source_location loc = std::source_location::current());
double r2(const Tensor& output, const Tensor& target, const Tensor& weights = {},
          std::source_location loc = std::source_location::current());

}  // namespace catena::train
