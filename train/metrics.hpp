// Losses and metrics by name, or as functions of the user's own.
#pragma once

#include <functional>
#include <source_location>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena::train {

// What training makes small: a scalar tensor from the model's output and the targets, the mean over
// the batch. By name: "cross_entropy", "mse_loss", "bce_with_logits", the functions of those names.
class Loss {
 public:
  using Function = std::function<Tensor(const Tensor& output, const Tensor& target)>;
  // Throws ArgumentError with the nearest names when there is none of that name.
  Loss(const char* name, std::source_location loc = std::source_location::current());
  Loss(const std::string& name, std::source_location loc = std::source_location::current());
  template <class F>
  requires std::is_invocable_r_v<Tensor, F, const Tensor&, const Tensor&> Loss(F function)
      : function_(std::move(function)) {}  // NOLINT: .loss = [](...) {...}

  Tensor operator()(const Tensor& output, const Tensor& target) const {
    return function_(output, target);
  }

 private:
  Function function_;
};

// What is only watched: a number per batch, averaged over the epoch weighted by batch sizes.
// By name:
//   "accuracy"         fraction of samples whose largest output is the target; outputs [n,
//   classes],
//                      targets class indices [n] or one-hot or probabilities [n, classes]
//   "binary_accuracy"  fraction of elements with (output > 0) = (target > 0.5); outputs are logits
//   "mse"              mean of (output - target)^2
//   "mae"              mean of |output - target|
class Metric {
 public:
  using Function = std::function<double(const Tensor& output, const Tensor& target)>;
  // Throws ArgumentError with the nearest names when there is none of that name.
  Metric(const char* name, std::source_location loc = std::source_location::current());
  Metric(const std::string& name, std::source_location loc = std::source_location::current());
  Metric(std::string name, Function function)
      : name_(std::move(name)), function_(std::move(function)) {}

  const std::string& name() const { return name_; }
  double operator()(const Tensor& output, const Tensor& target) const {
    return function_(output, target);
  }

 private:
  std::string name_;
  Function function_;
};

// The metrics above as functions.
double accuracy(const Tensor& output, const Tensor& target,
                std::source_location loc = std::source_location::current());
double binary_accuracy(const Tensor& output, const Tensor& target,
                       std::source_location loc = std::source_location::current());
double mean_squared_error(const Tensor& output, const Tensor& target,
                          std::source_location loc = std::source_location::current());
double mean_absolute_error(const Tensor& output, const Tensor& target,
                           std::source_location loc = std::source_location::current());

}  // namespace catena::train
