// Shape rules, gradients and public functions of the normalisations.
#include "catena/ops/normalization.hpp"

#include <limits>

#include "catena/graph/autograd.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/normalization_rules.hpp"
#include "catena/ops/shape.hpp"

namespace catena {
namespace {

using detail::call_affine;
using detail::expect_affine;
using detail::expect_floating;
using detail::normalization_vjp;

Shape last_dims(int count, int rank) {
  Shape over;
  for (int d = rank - count; d < rank; ++d) over.push_back(d);
  return over;
}

// Of the norms over the last dimensions.
void infer_rows(InferContext& c, const Shape& normalized_shape) {
  expect_floating(c);
  const Shape& x = c.shape(0);
  const int count = normalized_shape.rank(), first = x.rank() - count;
  bool fits = count > 0 && first >= 0;
  for (int d = 0; d < count && fits; ++d) fits = x[first + d] == normalized_shape[d];
  if (!fits)
    c.fail(
        fmt::format("x has shape {} but normalized_shape is {}; expected the sizes of the last "
                    "dimensions of x, one or more",
                    to_string(x), to_string(normalized_shape)));
  expect_affine(c, normalized_shape);
  c.output(x, c.dtype(0));
}

// All dimensions but the second.
Shape batch_dims(int rank) {
  Shape over{0};
  for (int d = 2; d < rank; ++d) over.push_back(d);
  return over;
}

// [C, 1, ..., 1], which broadcasts against [N, C, ...].
Shape per_feature(const Shape& x) {
  Shape shape{x[1]};
  for (int d = 2; d < x.rank(); ++d) shape.push_back(1);
  return shape;
}

}  // namespace

namespace op {

void LayerNorm::infer(InferContext& c) const { infer_rows(c, normalized_shape); }

void LayerNorm::vjp(VjpContext& c) const {
  const Shape x = c.grad().shape();
  normalization_vjp(c,
                    {x, last_dims(normalized_shape.rank(), x.rank()), normalized_shape, eps, true});
}

void RmsNorm::infer(InferContext& c) const { infer_rows(c, normalized_shape); }

void RmsNorm::vjp(VjpContext& c) const {
  const Shape x = c.grad().shape();
  normalization_vjp(
      c, {x, last_dims(normalized_shape.rank(), x.rank()), normalized_shape, eps, false});
}

void BatchNorm::infer(InferContext& c) const {
  expect_floating(c);
  const Shape& x = c.shape(0);
  if (x.rank() < 2)
    c.fail(fmt::format("x has shape {}; expected [N, C] or [N, C, ...]", to_string(x)));
  const std::int64_t features = x[1];
  expect_affine(c, {features});
  if (features > 0 && c.numel(0) / features < 2)
    c.fail(
        fmt::format("x has shape {}, {} per feature; expected two values or more in training, as "
                    "one has no variance; use a larger batch or evaluation mode",
                    to_string(x), c.numel(0) == 0 ? "no value" : "one value"));
  c.output(x, c.dtype(0));
  c.output({features}, c.dtype(0));
  c.output({features}, c.dtype(0));
}

void BatchNorm::vjp(VjpContext& c) const {
  const Shape shape = c.grad().shape();
  normalization_vjp(c, {shape, batch_dims(shape.rank()), per_feature(shape), eps, true});
}

}  // namespace op

Tensor layer_norm(Operand x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  const op::LayerNorm op{normalized_shape, eps};
  return std::move(call_affine(op, x, normalized_shape, weight, bias).front());
}

Tensor rms_norm(Operand x, const Shape& normalized_shape, const Tensor& weight,
                std::optional<double> eps) {
  const bool wide = x.impl() && x.impl()->dtype == kFloat64;
  const double least =
      wide ? std::numeric_limits<double>::epsilon() : std::numeric_limits<float>::epsilon();
  const op::RmsNorm op{normalized_shape, eps.value_or(least)};
  return std::move(call_affine(op, x, normalized_shape, weight, {}).front());
}

Tensor batch_norm(Operand x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, bool training, double momentum,
                  double eps) {
  const std::source_location location = x.location();
  const char* name = OpName<op::BatchNorm>::value;
  const auto check_per_feature = [&](const char* what, const Tensor& vector, const Tensor& from) {
    detail::check_per_feature(name, what, vector, from, location);
  };
  const Tensor input = x.tensor();
  if (!input.defined())
    throw_argument(name, "x is an undefined tensor; give it a value first", location);
  if (input.rank() < 2)
    throw_argument(
        name,
        fmt::format("x has shape {}; expected [N, C] or [N, C, ...]", to_string(input.shape())),
        location);
  check_per_feature("running_mean", running_mean, input);
  check_per_feature("running_var", running_var, input);
  check_per_feature("weight", weight, input);
  check_per_feature("bias", bias, input);
  const Shape features{input.shape()[1]};
  if (training) {
    std::vector<Tensor> out = call_affine(op::BatchNorm{eps}, x, features, weight, bias);
    const double n = static_cast<double>(input.numel()) / static_cast<double>(features[0]);
    detail::move_towards(running_mean, out[1], momentum, 1, location);
    detail::move_towards(running_var, out[2], momentum, n / (n - 1), location);
    return std::move(out[0]);
  }
  if (!running_mean.defined() || !running_var.defined())
    throw_argument(name,
                   "no running_mean or running_var to use in evaluation; expected both; give them, "
                   "or train",
                   location);
  const CallSite site(location);
  const Shape shape = per_feature(input.shape());
  Tensor scale = 1 / sqrt(running_var + eps);
  if (weight.defined()) scale = scale * weight;
  const Tensor y = (input - reshape(running_mean, shape)) * reshape(scale, shape);
  return bias.defined() ? y + reshape(bias, shape) : y;
}

}  // namespace catena
