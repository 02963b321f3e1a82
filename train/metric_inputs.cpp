#include "catena/train/metric_inputs.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "catena/graph/error.hpp"
#include "catena/ops/reduction.hpp"

namespace catena::train::detail {

namespace {

std::string describe(const Tensor& t) {
  return t.defined() ? fmt::format("{} {}", name_of(t.dtype()), to_string(t.shape())) : "undefined";
}

std::vector<double> read_weights(const char* metric, const Tensor& weights, std::int64_t n,
                                 const std::source_location& loc) {
  if (!weights.defined()) return std::vector<double>(static_cast<std::size_t>(n), 1.0);
  if (weights.rank() != 1 || weights.shape()[0] != n)
    throw_argument(metric,
                   fmt::format("the weights are {}; expected one per sample, [{}]",
                               to_string(weights.shape()), n),
                   loc);
  return weights.to_vector<double>(loc);
}

bool is_column(const Tensor& t) { return t.rank() == 1 || (t.rank() == 2 && t.shape()[1] == 1); }

// The targets as labels; `classes` is 0 for one output per sample.
bool read_targets(const Tensor& target, std::int64_t n, std::int64_t classes,
                  std::vector<std::int64_t>* out, const std::source_location& loc) {
  if (target.rank() == 0 || target.shape()[0] != n) return false;
  if (is_column(target)) {
    if (!is_floating(target.dtype())) {
      *out = target.to_vector<std::int64_t>(loc);
      return true;
    }
    if (classes != 0) return false;
    out->clear();
    for (double v : target.to_vector<double>(loc)) out->push_back(v > 0.5 ? 1 : 0);
    return true;
  }
  if (target.rank() != 2 || target.shape()[1] != classes) return false;
  *out = argmax(target, 1).to_vector<std::int64_t>(loc);
  return true;
}

[[noreturn]] void fail(const char* metric, const Tensor& output, const Tensor& target,
                       const std::source_location& loc) {
  throw_argument(metric,
                 fmt::format("the output is {}, the target {}; expected outputs [n, classes] with "
                             "class indices [n] or one-hot targets [n, classes], or outputs [n] "
                             "with targets [n] of 0 and 1 (for labels that do not exclude each "
                             "other take binary_accuracy)",
                             describe(output), describe(target)),
                 loc);
}

}  // namespace

std::vector<std::int64_t> target_classes(const char* what, const Tensor& target,
                                         const std::source_location& loc) {
  std::vector<std::int64_t> classes;
  const bool column = is_column(target);
  if (target.rank() == 0 || (!column && target.rank() != 2) ||
      !read_targets(target, target.shape()[0], column ? 0 : target.shape()[1], &classes, loc))
    throw_argument(what,
                   fmt::format("the targets are {}; expected class indices [n], indicators [n, "
                               "classes], or [n] with 0 and 1",
                               describe(target)),
                   loc);
  return classes;
}

LabelInputs read_labels(const char* metric, const Tensor& output, const Tensor& target,
                        const Tensor& weights, double threshold, const std::source_location& loc) {
  if (!output.defined() || !target.defined() || output.rank() == 0)
    fail(metric, output, target, loc);
  LabelInputs in;
  const std::int64_t n = output.shape()[0];
  const bool column = is_column(output);
  if (!column && output.rank() != 2) fail(metric, output, target, loc);
  if (!read_targets(target, n, column ? 0 : output.shape()[1], &in.target, loc))
    fail(metric, output, target, loc);
  if (!column) {
    in.predicted = argmax(output, 1).to_vector<std::int64_t>(loc);
  } else if (!is_floating(output.dtype())) {
    in.predicted = output.to_vector<std::int64_t>(loc);
  } else {
    for (double v : output.to_vector<double>(loc)) in.predicted.push_back(v > threshold ? 1 : 0);
  }
  in.weights = read_weights(metric, weights, n, loc);
  return in;
}

ScoreInputs read_scores(const char* metric, const Tensor& output, const Tensor& target,
                        const Tensor& weights, const std::source_location& loc) {
  if (!output.defined() || !target.defined() || output.rank() == 0 || output.rank() > 2 ||
      !is_floating(output.dtype()))
    fail(metric, output, target, loc);
  ScoreInputs in;
  const std::int64_t n = output.shape()[0];
  const bool column = is_column(output);
  in.columns = column ? 1 : output.shape()[1];
  if (!read_targets(target, n, column ? 0 : in.columns, &in.target, loc))
    fail(metric, output, target, loc);
  const std::int64_t classes = std::max<std::int64_t>(in.columns, 2);
  for (std::int64_t label : in.target)
    if (label < 0 || label >= classes)
      throw_argument(metric,
                     fmt::format("a target is {}; expected class indices in [0, {}), as the "
                                 "output is {}",
                                 label, classes, to_string(output.shape())),
                     loc);
  in.scores = output.to_vector<double>(loc);
  in.weights = read_weights(metric, weights, n, loc);
  return in;
}

ValueInputs read_values(const char* metric, const Tensor& output, const Tensor& target,
                        const Tensor& weights, const std::source_location& loc) {
  if (!output.defined() || !target.defined() || output.rank() == 0 ||
      !(output.shape() == target.shape()))
    throw_argument(metric,
                   fmt::format("the output is {}, the target {}; expected equal shapes of at "
                               "least one dimension",
                               describe(output), describe(target)),
                   loc);
  ValueInputs in;
  const std::int64_t n = output.shape()[0];
  in.columns = n == 0 ? 1 : output.numel() / n;
  in.output = output.to_vector<double>(loc);
  in.target = target.to_vector<double>(loc);
  in.weights = read_weights(metric, weights, n, loc);
  return in;
}

}  // namespace catena::train::detail
