// Normalisation, and dropout.
#include "catena/ops/normalization.hpp"

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/flip.hpp"
#include "catena/ops/group_norm.hpp"
#include "catena/ops/local_response_norm.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/statistics.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

// A vector over the channels, as it meets x [N, C, ..].
Tensor per_channel(const Tensor& v, const Tensor& x) {
  Shape shape = Shape::filled(x.rank(), 1);
  if (x.rank() > 1) shape[1] = v.numel();
  return reshape(v, shape);
}

// The file's own training form returns the statistics rather than keep them: those of the batch
// moved into the given ones, the variance a biased one.
Values batch_norm_of_batch(Call& c, double eps, double momentum) {
  const Tensor& x = c.in(0);
  Shape dims;
  for (int d = 0; d < x.rank(); ++d)
    if (d != 1) dims.push_back(d);
  const Tensor m = mean(x, dims), v = var(x, dims, false, 0);
  const Tensor y =
      (x - per_channel(m, x)) * per_channel(c.in(1) / sqrt(v + eps), x) + per_channel(c.in(2), x);
  return {y, c.in(3) * momentum + m * (1 - momentum), c.in(4) * momentum + v * (1 - momentum)};
}

Values batch_normalization(Call& c) {
  const Tensor& x = c.in(0);
  const double eps = c.attribute("epsilon", 1e-5), momentum = c.attribute("momentum", 0.9);
  if (c.opset() < 9 && c.attribute("spatial", std::int64_t{1}) == 0)
    c.unsupported("spatial = 0: statistics for every entry of the image");
  for (int i = 1; i < 5; ++i)
    if (c.in(i).rank() != 1 || x.rank() < 2 || c.in(i).numel() != x.shape()[1])
      c.fail(fmt::format("input {} has shape {}, x {}; expected a number for each channel", i,
                         to_string(c.in(i).shape()), to_string(x.shape())));
  if (c.opset() < 7 && c.attribute("is_test", std::int64_t{0}) == 0)
    c.unsupported("is_test = 0: the training form of opset 6");
  if (c.opset() >= 14 && c.attribute("training_mode", std::int64_t{0}) != 0)
    return batch_norm_of_batch(c, eps, momentum);
  Tensor running_mean = c.in(3), running_var = c.in(4);
  Tensor y =
      batch_norm(x, running_mean, running_var, c.in(1), c.in(2), c.training(), 1 - momentum, eps);
  Values outputs{y};
  // Before opset 14 they could be returned although nothing renews them.
  for (int k = 1; k < c.num_outputs(); ++k) outputs.push_back(c.in(k % 2 == 1 ? 3 : 4));
  return outputs;
}

Values instance_normalization(Call& c) {
  const Tensor& x = c.in(0);
  if (x.rank() < 3) c.fail("x needs at least one dimension behind the channels");
  Shape dims;
  for (int d = 2; d < x.rank(); ++d) dims.push_back(d);
  const double eps = c.attribute("epsilon", 1e-5);
  std::int64_t count = 1;
  for (const std::int64_t d : dims) count *= x.shape()[static_cast<int>(d)];
  if (count > 1) return {instance_norm(x, {}, {}, c.in(1), c.in(2), true, 0, eps)};
  return {per_channel(c.in(2), x) + x * 0};
}

// [lead, groups, rest] of x, normalised over the rest, before scale and bias.
Tensor normalised(const Tensor& x, const Shape& dims, double eps) {
  const Tensor m = mean(x, dims, true);
  return (x - m) / sqrt(var(x, dims, true, 0) + eps);
}

Values layer_normalization(Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.attribute("axis", std::int64_t{-1}), x.rank());
  const double eps = c.attribute("epsilon", 1e-5);
  Shape sizes, dims;
  for (int d = axis; d < x.rank(); ++d) {
    sizes.push_back(x.shape()[d]);
    dims.push_back(d);
  }
  const Tensor bias = c.optional(2);
  Tensor y;
  if (c.in(1).shape() == sizes && (!bias.defined() || bias.shape() == sizes)) {
    y = layer_norm(x, sizes, c.in(1), bias, eps);
  } else {
    y = layer_norm(x, sizes, {}, {}, eps) * c.in(1);
    if (bias.defined()) y = y + bias;
  }
  Values outputs{y};
  if (c.wants(1) || c.wants(2)) outputs.push_back(mean(x, dims, true));
  if (c.wants(2)) outputs.push_back(reciprocal(sqrt(var(x, dims, true, 0) + eps)));
  return outputs;
}

Values group_normalization(Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t groups = c.required_integer("num_groups");
  const double eps = c.attribute("epsilon", 1e-5);
  if (x.rank() < 2 || groups < 1 || x.shape()[1] % groups != 0)
    c.fail(fmt::format("{} groups of the channels of {}", groups, to_string(x.shape())));
  // Until opset 21 scale and bias had an entry for each group.
  if (c.opset() >= 21) return {group_norm(x, groups, c.in(1), c.in(2), eps)};
  const auto spread = [&](const Tensor& v) {
    return flatten(expand(unsqueeze(v, 1), {groups, x.shape()[1] / groups}));
  };
  return {group_norm(x, groups, spread(c.in(1)), spread(c.in(2)), eps)};
}

Values rms_normalization(Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.attribute("axis", std::int64_t{-1}), x.rank());
  Shape sizes;
  for (int d = axis; d < x.rank(); ++d) sizes.push_back(x.shape()[d]);
  const double eps = c.attribute("epsilon", 1e-5);
  if (c.in(1).shape() == sizes) return {rms_norm(x, sizes, c.in(1), eps)};
  return {rms_norm(x, sizes, {}, eps) * c.in(1)};
}

Values lrn(Call& c) {
  Tensor x = c.in(0);
  const std::int64_t size = c.required_integer("size");
  if (x.rank() < 2 || size < 1) c.fail(fmt::format("size {} of x {}", size, to_string(x.shape())));
  const Shape shape = x.shape();
  if (x.rank() == 2) x = unsqueeze(x, 2);
  // An even neighbourhood reaches farther behind here than there: the channels are turned round.
  const bool turn = size % 2 == 0;
  if (turn) x = flip(x, {1});
  Tensor y = local_response_norm(x, size, c.attribute("alpha", 1e-4), c.attribute("beta", 0.75),
                                 c.attribute("bias", 1.0));
  if (turn) y = flip(y, {1});
  return {reshape(y, shape)};
}

Values mean_variance(Call& c) {
  const auto axes = c.integers("axes");
  return {normalised(c.in(0), axes ? c.shape(*axes) : Shape{0, 2, 3}, 1e-9)};
}

Values lp_normalization(Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.attribute("axis", std::int64_t{-1}), x.rank());
  const Tensor size = norm(x, static_cast<double>(c.attribute("p", std::int64_t{2})), {axis}, true);
  // Zeros stay zeros.
  return {x / where(size == 0, number_like(size, 1), size)};
}

Values drop_out(Call& c) {
  const Tensor& x = c.in(0);
  const double ratio = c.opset() < 12 ? c.attribute("ratio", 0.5) : c.has(1) ? c.real(1) : 0.5;
  bool on = c.training();
  if (c.opset() >= 12 && c.has(2)) on = on || c.integer(2) != 0;
  if (c.opset() < 7) on = on || c.attribute("is_test", std::int64_t{0}) == 0;
  const bool wants_mask = c.wants(1);
  const DType mask_type = c.opset() < 10 ? x.dtype() : kBool;
  if (!on || ratio == 0) {
    Values outputs{x};
    if (wants_mask) outputs.push_back(ones(x.shape(), {mask_type, x.device()}));
    return outputs;
  }
  if (!wants_mask) return {dropout(x, ratio, true)};
  const Tensor scaled = dropout(ones(x.shape(), {x.dtype(), x.device()}), ratio, true);
  return {x * scaled, cast(not_equal(scaled, number_like(scaled, 0)), mask_type)};
}

}  // namespace

std::vector<Operator> normalization_operators() {
  return {
      {"BatchNormalization", 1, batch_normalization, Types::kFirst, 0, bit(3) | bit(4), true},
      {"Dropout", 1, drop_out, Types::kFirst, kFixedFromSecond, 0, true},
      {"GroupNormalization", 18, group_normalization},
      {"InstanceNormalization", 1, instance_normalization},
      {"LRN", 1, lrn},
      {"LayerNormalization", 17, layer_normalization},
      {"LpNormalization", 1, lp_normalization},
      {"MeanVarianceNormalization", 9, mean_variance},
      {"RMSNormalization", 23, rms_normalization},
  };
}

}  // namespace catena::onnx
