// A trained model measured and used, a batch at a time.
#pragma once

#include <cstdint>
#include <source_location>
#include <vector>

#include "catena/graph/tensor.hpp"
#include "catena/nn/module.hpp"
#include "catena/train/data.hpp"
#include "catena/train/history.hpp"
#include "catena/train/losses.hpp"
#include "catena/train/metric.hpp"

namespace catena::train {

struct EvaluateOptions {
  std::int64_t batch_size = 256;  // of a Dataset; a loader has its own
  Loss loss = "cross_entropy";
  std::vector<Metric> metrics = {};
  // As in FitOptions; sample_weight for a Dataset only.
  Tensor sample_weight = {};
  bool divide_by_weights = false;
  std::vector<Metric> weighted_metrics = {};
};

// "loss" and the metrics over the data, in evaluation mode, without recording. Batches are moved to
// the device of the model's parameters.
Logs evaluate(nn::Module& model, const Dataset& data, const EvaluateOptions& options = {},
              std::source_location loc = std::source_location::current());
// Over one epoch of the loader.
Logs evaluate(nn::Module& model, DataLoader& loader, const EvaluateOptions& options = {},
              std::source_location loc = std::source_location::current());

// The outputs for all samples, in evaluation mode, without recording.
Tensor predict(nn::Module& model, const Tensor& x, std::int64_t batch_size = 256,
               std::source_location loc = std::source_location::current());
// For the samples of one epoch of the loader, in its order; targets may be missing.
Tensor predict(nn::Module& model, DataLoader& loader,
               std::source_location loc = std::source_location::current());

}  // namespace catena::train
