#include "catena/train/collate.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <vector>

#include "catena/graph/error.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/slice.hpp"

namespace catena::train {

namespace {

// x or y of every sample; empty when none has it.
std::vector<Tensor> gather(std::span<const Sample> samples, Tensor Sample::*part,
                           const char* name) {
  std::vector<Tensor> out;
  for (std::size_t i = 0; i < samples.size(); ++i) {
    const Tensor& t = samples[i].*part;
    if (t.defined() != (samples[0].*part).defined())
      throw ArgumentError(fmt::format(
          "[collate] sample 0 of the batch has {} {}, sample {} has {}; expected all or none",
          (samples[0].*part).defined() ? "an" : "no", name, i, t.defined() ? "one" : "none"));
    if (t.defined()) out.push_back(t);
  }
  return out;
}

// `from`: the first dimension that must be equal.
void check_alike(const std::vector<Tensor>& tensors, const char* name, int from,
                 std::string_view advice) {
  const Tensor& first = tensors[0];
  for (std::size_t i = 1; i < tensors.size(); ++i) {
    const Tensor& t = tensors[i];
    bool alike = t.dtype() == first.dtype() && t.rank() == first.rank();
    for (int d = from; alike && d < t.rank(); ++d) alike = t.shape()[d] == first.shape()[d];
    if (!alike)
      throw ArgumentError(
          fmt::format("[collate] {} of sample {} of the batch is {} {}; expected {} "
                      "{}, as in sample 0; {}",
                      name, i, name_of(t.dtype()), to_string(t.shape()), name_of(first.dtype()),
                      to_string(first.shape()), advice));
  }
}

Tensor stacked(const std::vector<Tensor>& tensors, const char* name) {
  if (tensors.empty()) return {};
  check_alike(tensors, name, 0,
              "make the samples alike or pad them (.collate = train::pad_samples())");
  return stack(tensors);
}

Tensor padded(const std::vector<Tensor>& tensors, const char* name, Scalar value, Tensor* lengths) {
  if (tensors.empty()) return {};
  if (tensors[0].rank() == 0) return stacked(tensors, name);
  check_alike(tensors, name, 1, "only the first dimension may differ");
  std::vector<std::int64_t> sizes;
  for (const Tensor& t : tensors) sizes.push_back(t.shape()[0]);
  const auto count = static_cast<std::int64_t>(tensors.size());
  Shape shape = tensors[0].shape();
  shape[0] = std::ranges::max(sizes);
  shape.insert(0, count);
  Tensor out = full(shape, value, TensorOptions(tensors[0].dtype(), tensors[0].device()));
  for (std::int64_t i = 0; i < count; ++i) {
    const auto k = static_cast<std::size_t>(i);
    if (sizes[k] > 0) slice(select(out, 0, i), 0, 0, sizes[k]).copy_(tensors[k]);
  }
  *lengths = tensor(sizes, {count});
  return out;
}

}  // namespace

Batch stack_samples(std::span<const Sample> samples) {
  return {stacked(gather(samples, &Sample::x, "x"), "x"),
          stacked(gather(samples, &Sample::y, "y"), "y"),
          {},
          {}};
}

Collate pad_samples(PadOptions options) {
  return [options](std::span<const Sample> samples) {
    Batch out;
    out.x = padded(gather(samples, &Sample::x, "x"), "x", options.value, &out.x_lengths);
    out.y = padded(gather(samples, &Sample::y, "y"), "y", options.y_value, &out.y_lengths);
    return out;
  };
}

}  // namespace catena::train
