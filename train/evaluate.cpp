#include "catena/train/evaluate.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/profiler.hpp"
#include "catena/nn/mode_guard.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/slice.hpp"
#include "catena/train/batches.hpp"
#include "catena/train/evaluate_batches.hpp"
#include "catena/train/sample_weights.hpp"
#include "catena/train/totals.hpp"

namespace catena::train {

std::optional<Logs> evaluate_batches(nn::Module& model, Batches& batches,
                                     const EvaluateOptions& options,
                                     const std::function<bool()>& interrupted,
                                     const std::source_location& loc) {
  const ProfileSpan span("evaluate", loc);
  const nn::ModeGuard mode(model, false);
  const NoGrad no_grad;
  Totals totals(options.loss, options.metrics, options.weighted_metrics, loc);
  std::int64_t n = 0;
  batches.begin();
  while (batches.next()) {
    if (interrupted && interrupted()) return std::nullopt;
    ++n;
    const Tensor output = model(batches.x(), loc);
    const BatchLoss batch = batch_loss(options.loss, output, batches.y(), batches.weights(),
                                       options.divide_by_weights, loc);
    totals.add(batch.value, batch.share, output, batches.y(), batches.weights(), loc);
  }
  if (n == 0) throw_argument("evaluate", "there are no samples; expected at least one", loc);
  return totals.logs();
}

Logs evaluate(nn::Module& model, const Dataset& data, const EvaluateOptions& options,
              std::source_location loc) {
  Batches batches(model, data, {.batch_size = options.batch_size}, options.sample_weight, {}, loc);
  return *evaluate_batches(model, batches, options, {}, loc);
}

Logs evaluate(nn::Module& model, DataLoader& loader, const EvaluateOptions& options,
              std::source_location loc) {
  if (options.sample_weight.defined())
    throw_argument("evaluate",
                   "sample_weight is given with a loader, whose order it cannot follow; expected "
                   "it with a Dataset",
                   loc);
  Batches batches(model, loader, {}, loc);
  return *evaluate_batches(model, batches, options, {}, loc);
}

Tensor predict(nn::Module& model, const Tensor& x, std::int64_t batch_size,
               std::source_location loc) {
  if (!x.defined() || x.rank() == 0)
    throw_argument("predict", "x must be a tensor of at least one dimension", loc);
  if (batch_size <= 0)
    throw_argument("predict", fmt::format("batch_size is {}; expected at least 1", batch_size),
                   loc);
  const nn::ModeGuard mode(model, false);
  const NoGrad no_grad;
  const std::optional<Device> device = device_of(model);
  const std::int64_t n = x.shape()[0];
  if (n <= batch_size) return model(on(device, x), loc);
  std::vector<Tensor> parts;
  for (std::int64_t from = 0; from < n; from += batch_size)
    parts.push_back(model(on(device, slice(x, 0, from, std::min(from + batch_size, n))), loc));
  return concat(parts, 0, loc);
}

Tensor predict(nn::Module& model, DataLoader& loader, std::source_location loc) {
  const nn::ModeGuard mode(model, false);
  const NoGrad no_grad;
  const std::optional<Device> device = device_of(model);
  std::vector<Tensor> parts;
  for (const Batch& batch : loader) parts.push_back(model(on(device, batch.x), loc));
  if (parts.empty()) throw_argument("predict", "the loader has no samples", loc);
  return concat(parts, 0, loc);
}

}  // namespace catena::train
