#include "catena/train/regression_metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "catena/graph/error.hpp"
#include "catena/train/metric_inputs.hpp"

namespace catena::train {

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();

// Makes room at the first batch; later ones must have as many quantities.
void fit_sums(std::vector<double>* sums, std::size_t size, const char* metric,
              const std::source_location& loc) {
  if (sums->empty()) sums->resize(size);
  if (sums->size() != size)
    throw_argument(metric,
                   "this batch has another number of quantities per sample than those "
                   "before; expected the same",
                   loc);
}

template <class M>
double of_batch(const Tensor& output, const Tensor& target, const Tensor& weights,
                const std::source_location& loc) {
  M metric;
  metric.update(output, target, weights, loc);
  return metric.compute();
}

}  // namespace

// sums = {sum w, then sum w e by quantity}.
void ErrorMetric::add(const Tensor& output, const Tensor& target, const Tensor& weights,
                      const Location& loc) {
  const auto in = detail::read_values(name(), output, target, weights, loc);
  if (in.output.empty()) return;
  const auto columns = static_cast<std::size_t>(in.columns);
  fit_sums(&sums_, 1 + columns, name(), loc);
  for (std::size_t i = 0; i < in.weights.size(); ++i) {
    sums_[0] += in.weights[i];
    for (std::size_t c = 0; c < columns; ++c)
      sums_[1 + c] +=
          in.weights[i] * error(in.output[i * columns + c] - in.target[i * columns + c]);
  }
}

double ErrorMetric::compute() const {
  if (sums_.empty()) return kNan;
  double total = 0;
  for (std::size_t c = 1; c < sums_.size(); ++c) total += of_mean(sums_[c] / sums_[0]);
  return total / static_cast<double>(sums_.size() - 1);
}

double RootMeanSquaredError::of_mean(double mean) const { return std::sqrt(mean); }
double MeanAbsoluteError::error(double difference) const { return std::abs(difference); }

// sums = {samples, sum w, then by quantity: s, sum w (t - s), sum w (t - s)^2, sum w (y - t)^2},
// with s the first target that weighs something: the squares stay small, and exactly 0 when all
// such targets are equal.
void R2::add(const Tensor& output, const Tensor& target, const Tensor& weights,
             const Location& loc) {
  const auto in = detail::read_values(name(), output, target, weights, loc);
  if (in.output.empty()) return;
  const auto columns = static_cast<std::size_t>(in.columns);
  const bool empty = sums_.empty();
  fit_sums(&sums_, 2 + 4 * columns, name(), loc);
  if (empty)
    for (std::size_t c = 0; c < columns; ++c) sums_[2 + 4 * c] = kNan;  // no such target yet
  for (std::size_t i = 0; i < in.weights.size(); ++i) {
    const double w = in.weights[i];
    sums_[0] += 1;
    if (w == 0) continue;
    sums_[1] += w;
    for (std::size_t c = 0; c < columns; ++c) {
      double* s = &sums_[2 + 4 * c];
      if (std::isnan(s[0])) s[0] = in.target[i * columns + c];
      const double t = in.target[i * columns + c] - s[0];
      const double e = in.output[i * columns + c] - in.target[i * columns + c];
      s[1] += w * t;
      s[2] += w * t * t;
      s[3] += w * e * e;
    }
  }
}

double R2::compute() const {
  if (sums_.empty() || sums_[0] < 2) return kNan;
  double total = 0;
  for (std::size_t at = 2; at < sums_.size(); at += 4) {
    const double spread = std::max(sums_[at + 2] - sums_[at + 1] * sums_[at + 1] / sums_[1], 0.0);
    const double wrong = sums_[at + 3];
    total += spread != 0 ? 1 - wrong / spread : wrong == 0 ? 1 : 0;
  }
  return total / static_cast<double>((sums_.size() - 2) / 4);
}

double mean_squared_error(const Tensor& output, const Tensor& target, const Tensor& weights,
                          std::source_location loc) {
  return of_batch<MeanSquaredError>(output, target, weights, loc);
}
double root_mean_squared_error(const Tensor& output, const Tensor& target, const Tensor& weights,
                               std::source_location loc) {
  return of_batch<RootMeanSquaredError>(output, target, weights, loc);
}
double mean_absolute_error(const Tensor& output, const Tensor& target, const Tensor& weights,
                           std::source_location loc) {
  return of_batch<MeanAbsoluteError>(output, target, weights, loc);
}
double r2(const Tensor& output, const Tensor& target, const Tensor& weights,
          std::source_location loc) {
  return of_batch<R2>(output, target, weights, loc);
}

}  // namespace catena::train
