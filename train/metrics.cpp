#include "catena/train/metrics.hpp"

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/dispatch.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/loss.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/train/names.hpp"

namespace catena::train {

namespace {

template <class Function>
struct Named {
  const char* name;
  Function function;
};

template <class Function, std::size_t N>
Function find(const Named<Function> (&list)[N], const char* kind, std::string_view name,
              const std::source_location& loc) {
  std::vector<std::string> names;
  for (const auto& entry : list) {
    if (name == entry.name) return entry.function;
    names.emplace_back(entry.name);
  }
  throw_unknown_name("fit", kind, name, names, loc);
}

using LossFunction = Tensor (*)(const Tensor&, const Tensor&);
const Named<LossFunction> kLosses[] = {
    {"bce_with_logits", [](const Tensor& o, const Tensor& t) { return bce_with_logits(o, t); }},
    {"cross_entropy", [](const Tensor& o, const Tensor& t) { return cross_entropy(o, t); }},
    {"mse_loss", [](const Tensor& o, const Tensor& t) { return mse_loss(o, t); }},
};

using MetricFunction = double (*)(const Tensor&, const Tensor&);
const Named<MetricFunction> kMetrics[] = {
    {"accuracy", [](const Tensor& o, const Tensor& t) { return accuracy(o, t); }},
    {"binary_accuracy", [](const Tensor& o, const Tensor& t) { return binary_accuracy(o, t); }},
    {"mae", [](const Tensor& o, const Tensor& t) { return mean_absolute_error(o, t); }},
    {"mse", [](const Tensor& o, const Tensor& t) { return mean_squared_error(o, t); }},
};

void expect_same_shape(const char* metric, const Tensor& output, const Tensor& target,
                       const std::source_location& loc) {
  if (!(output.shape() == target.shape()))
    throw_argument(metric,
                   fmt::format("the output is {}, the target {}; expected equal shapes",
                               to_string(output.shape()), to_string(target.shape())),
                   loc);
}

double fraction(const Tensor& hits) { return mean(hits.to(kFloat64)).item(); }

}  // namespace

Loss::Loss(const char* name, std::source_location loc)
    : function_(find(kLosses, "loss", name, loc)) {}
Loss::Loss(const std::string& name, std::source_location loc) : Loss(name.c_str(), loc) {}

Metric::Metric(const char* name, std::source_location loc)
    : name_(name), function_(find(kMetrics, "metric", name, loc)) {}
Metric::Metric(const std::string& name, std::source_location loc) : Metric(name.c_str(), loc) {}

double accuracy(const Tensor& output, const Tensor& target, std::source_location loc) {
  NoGrad no_grad;
  const bool classes = output.rank() == 2 && target.rank() == 1 && !is_floating(target.dtype()) &&
                       target.shape()[0] == output.shape()[0];
  const bool one_hot = output.rank() == 2 && target.shape() == output.shape();
  if (!classes && !one_hot)
    throw_argument(
        "accuracy",
        fmt::format("the output is {}, the target {} {}; expected outputs [n, classes] "
                    "with class indices [n] or one-hot targets [n, classes] (for a "
                    "single logit take binary_accuracy)",
                    to_string(output.shape()), name_of(target.dtype()), to_string(target.shape())),
        loc);
  const Tensor predicted = argmax(output, 1);
  return fraction(predicted == (classes ? target.to(kInt64) : argmax(target, 1)));
}

double binary_accuracy(const Tensor& output, const Tensor& target, std::source_location loc) {
  NoGrad no_grad;
  expect_same_shape("binary_accuracy", output, target, loc);
  return fraction((output > 0) == (target.to(output.dtype()) > 0.5));
}

double mean_squared_error(const Tensor& output, const Tensor& target, std::source_location loc) {
  NoGrad no_grad;
  expect_same_shape("mse", output, target, loc);
  const Tensor difference = output - target;
  return mean(difference * difference).item();
}

double mean_absolute_error(const Tensor& output, const Tensor& target, std::source_location loc) {
  NoGrad no_grad;
  expect_same_shape("mae", output, target, loc);
  const Tensor difference = output - target;
  return mean(where(difference < 0, -difference, difference)).item();
}

}  // namespace catena::train
