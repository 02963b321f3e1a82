// Shape rules, gradients and public functions of the normalisations.
#include "catena/ops/normalization.hpp"

#include "catena/graph/autograd.hpp"
#include "catena/ops/composite.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/shape.hpp"

namespace catena {
namespace {

void expect_floating(const InferContext& c) {
  if (!is_floating(c.dtype(0))) c.fail(detail::not_floating("x", c.dtype(0)));
}

// Inputs 1 and 2, weight and bias, where they are given.
void expect_affine(const InferContext& c, const Shape& shape) {
  for (int i = 1; i < c.num_inputs(); ++i) {
    const char* name = i == 1 ? "weight" : "bias";
    if (c.shape(i) != shape)
      c.fail(fmt::format("{} has shape {}; expected {} for x {}", name, to_string(c.shape(i)),
                         to_string(shape), to_string(c.shape(0))));
    if (c.dtype(i) != c.dtype(0))
      c.fail(fmt::format("{} is {} but x is {}; expected equal dtypes; convert one with to(dtype)",
                         name, name_of(c.dtype(i)), name_of(c.dtype(0))));
  }
}

// With h = (x - mean) / sqrt(var + eps) over the dimensions `over`, and gw = g weight:
//   dx = (gw - mean gw - h mean(gw h)) / sqrt(var + eps), dweight = g h, dbias = g;
// `affine` is the shape under which weight broadcasts against x.
void normalization_vjp(VjpContext& c, const Shape& over, const Shape& affine, double eps) {
  const Tensor g = c.grad();
  const bool has_weight = c.num_inputs() > 1, has_bias = c.num_inputs() > 2;
  // Gradients of x's shape are summed to what broadcasts; a vector [C] does so as [C, 1, ...].
  const auto accumulate = [&](int i, const Tensor& d) {
    const Shape own = c.input_shape(i);
    c.accumulate(i, own == affine ? d : reshape(sum_to(d, affine), own));
  };
  if (has_bias && c.needs(2)) accumulate(2, g);
  const bool needs_weight = has_weight && c.needs(1);
  if (!c.needs(0) && !needs_weight) return;
  const Tensor x = c.input(0);
  const Tensor centred = x - mean(x, over, true);
  const Tensor scale = 1 / sqrt(mean(centred * centred, over, true) + eps);
  const Tensor h = centred * scale;
  if (needs_weight) accumulate(1, g * h);
  if (!c.needs(0)) return;
  const Tensor gw = has_weight ? g * reshape(c.input(1), affine) : g;
  c.accumulate(0, scale * (gw - mean(gw, over, true) - h * mean(gw * h, over, true)));
}

Shape last_dims(int count, int rank) {
  Shape over;
  for (int d = rank - count; d < rank; ++d) over.push_back(d);
  return over;
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

// A call with the optional operands that are defined. A bias alone gets a weight of ones.
template <class Op>
std::vector<Tensor> call_affine(const Op& op, Operand& x, const Shape& shape, const Tensor& weight,
                                const Tensor& bias) {
  const bool bias_alone = bias.defined() && !weight.defined();
  const Tensor factor = bias_alone ? ones(shape, {bias.dtype(), bias.device()}) : weight;
  Operand w(factor, x.location()), b(bias, x.location());
  Operand* list[] = {&x, &w, &b};
  const int n = bias.defined() ? 3 : factor.defined() ? 2 : 1;
  return detail::dispatch_multi(op_info<Op>(), &op, list, n, x.location());
}

// Of a batch norm: what has one entry per feature.
void check_per_feature(const char* name, const Tensor& vector, const Tensor& x,
                       const std::source_location& location) {
  if (!vector.defined()) return;
  const auto fail = [&](const std::string& what) {
    throw_argument(OpName<op::BatchNorm>::value, what, location);
  };
  if (vector.shape() != Shape{x.shape()[1]})
    fail(fmt::format("{} has shape {}; expected [{}] for x {}", name, to_string(vector.shape()),
                     x.shape()[1], to_string(x.shape())));
  if (vector.dtype() != x.dtype())
    fail(fmt::format("{} is {} but x is {}; expected equal dtypes; convert one with to(dtype)",
                     name, name_of(vector.dtype()), name_of(x.dtype())));
}

// running = (1 - momentum) running + momentum factor value
void move_towards(const Tensor& running, const Tensor& value, double momentum, double factor,
                  const std::source_location& location) {
  if (!running.defined()) return;
  const NoGrad off;
  Tensor target = running;
  target.mul_(1 - momentum, location);
  target.add_(value, momentum * factor, location);
}

}  // namespace

namespace op {

void LayerNorm::infer(InferContext& c) const {
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

void LayerNorm::vjp(VjpContext& c) const {
  const int count = normalized_shape.rank();
  normalization_vjp(c, last_dims(count, c.grad().rank()), normalized_shape, eps);
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
  normalization_vjp(c, batch_dims(shape.rank()), per_feature(shape), eps);
}

}  // namespace op

Tensor layer_norm(Operand x, const Shape& normalized_shape, const Tensor& weight,
                  const Tensor& bias, double eps) {
  const op::LayerNorm op{normalized_shape, eps};
  return std::move(call_affine(op, x, normalized_shape, weight, bias).front());
}

Tensor batch_norm(Operand x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight, const Tensor& bias, bool training, double momentum,
                  double eps) {
  const std::source_location location = x.location();
  const char* name = OpName<op::BatchNorm>::value;
  const Tensor input = x.tensor();
  if (!input.defined())
    throw_argument(name, "x is an undefined tensor; give it a value first", location);
  if (input.rank() < 2)
    throw_argument(
        name,
        fmt::format("x has shape {}; expected [N, C] or [N, C, ...]", to_string(input.shape())),
        location);
  check_per_feature("running_mean", running_mean, input, location);
  check_per_feature("running_var", running_var, input, location);
  check_per_feature("weight", weight, input, location);
  check_per_feature("bias", bias, input, location);
  const Shape features{input.shape()[1]};
  if (training) {
    std::vector<Tensor> out = call_affine(op::BatchNorm{eps}, x, features, weight, bias);
    const double n = static_cast<double>(input.numel()) / static_cast<double>(features[0]);
    move_towards(running_mean, out[1], momentum, 1, location);
    move_towards(running_var, out[2], momentum, n / (n - 1), location);
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
