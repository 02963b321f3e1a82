#include "catena/train/sample_weights.hpp"

#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "catena/graph/dispatch.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/logic.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/train/metric_inputs.hpp"

namespace catena::train {

Tensor sample_weights(const Dataset& data, const Tensor& sample_weight,
                      const std::map<std::int64_t, double>& class_weight,
                      const std::source_location& loc) {
  if (sample_weight.defined() &&
      (!(sample_weight.shape() == Shape{data.size()}) || !is_floating(sample_weight.dtype())))
    throw_argument(
        "fit",
        fmt::format("sample_weight is {} {}; expected a floating weight per sample, [{}]",
                    name_of(sample_weight.dtype()), to_string(sample_weight.shape()), data.size()),
        loc);
  if (sample_weight.defined() && !all(isfinite(sample_weight)).item<bool>())
    throw_argument("fit", "sample_weight holds NaN or infinite values; expected finite ones", loc);
  if (class_weight.empty()) return sample_weight;
  for (const auto& [label, weight] : class_weight)
    if (!std::isfinite(weight))
      throw_argument("fit",
                     fmt::format("the weight of class {} is {}; expected a number", label, weight),
                     loc);
  std::vector<double> weights;
  for (std::int64_t label : detail::target_classes("fit", data.y, loc)) {
    const auto found = class_weight.find(label);
    weights.push_back(found == class_weight.end() ? 1.0 : found->second);
  }
  Tensor out = tensor(weights, {data.size()}).to(kFloat32).to(data.y.device());
  return sample_weight.defined() ? out * sample_weight : out;
}

BatchLoss batch_loss(const Loss& loss, const Tensor& output, const Tensor& target,
                     const Tensor& weights, bool divide_by_weights,
                     const std::source_location& loc) {
  const CallSite site(loc);
  BatchLoss out;
  out.share = static_cast<double>(target.shape()[0]);
  if (!weights.defined()) {
    out.loss = loss(output, target);
  } else {
    const Tensor losses = loss.per_sample(output, target, loc);
    const Tensor w = weights.to(losses.dtype());
    if (divide_by_weights) {
      const Tensor total = sum(w);
      out.share = total.item();
      out.loss = sum(losses * w);  // 0 where no sample counts
      if (out.share != 0) out.loss = out.loss / total;
    } else {
      out.loss = mean(losses * w);
    }
  }
  if (out.loss.numel() != 1)
    throw_argument("fit",
                   fmt::format("the loss is {}; expected a scalar, e.g. its mean",
                               to_string(out.loss.shape())),
                   loc);
  out.value = out.loss.item();
  return out;
}

}  // namespace catena::train
