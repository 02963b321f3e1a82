// Weights of samples and the losses with them. Not a public header.
#pragma once

#include <cstdint>
#include <map>
#include <source_location>

#include "catena/graph/tensor.hpp"
#include "catena/train/data.hpp"
#include "catena/train/losses.hpp"

namespace catena::train {

// w[n] = sample_weight[n] * class_weight[class of the target], on the device of the targets;
// undefined when there are neither. Throws ArgumentError when they do not fit the data.
Tensor sample_weights(const Dataset& data, const Tensor& sample_weight,
                      const std::map<std::int64_t, double>& class_weight,
                      const std::source_location& loc);

// The loss of a batch, and how much it counts in a mean over batches.
struct BatchLoss {
  Tensor loss;  // a scalar
  double value = 0;
  double share = 0;
};
// Without weights loss(output, target), else sum w l / n, or sum w l / sum w.
BatchLoss batch_loss(const Loss& loss, const Tensor& output, const Tensor& target,
                     const Tensor& weights, bool divide_by_weights,
                     const std::source_location& loc);

}  // namespace catena::train
