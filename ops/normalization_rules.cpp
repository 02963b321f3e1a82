#include "catena/ops/normalization_rules.hpp"

#include "catena/graph/autograd.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/shape.hpp"

namespace catena::detail {

void expect_floating(const InferContext& c) {
  if (!is_floating(c.dtype(0))) c.fail(not_floating("x", c.dtype(0)));
}

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

void normalization_vjp(VjpContext& c, const Normalization& n) {
  const auto viewed = [](const Tensor& t, const Shape& shape) {
    return t.shape() == shape ? t : reshape(t, shape);
  };
  const Tensor g = viewed(c.grad(), n.view);
  const bool has_weight = c.num_inputs() > 1, has_bias = c.num_inputs() > 2;
  // Gradients of the view's shape are summed to what broadcasts.
  const auto accumulate = [&](int i, const Tensor& d) {
    const Shape own = c.input_shape(i);
    c.accumulate(i, own == n.affine ? d : reshape(sum_to(d, n.affine), own));
  };
  if (has_bias && c.needs(2)) accumulate(2, g);
  const bool needs_weight = has_weight && c.needs(1);
  if (!c.needs(0) && !needs_weight) return;
  const Tensor x = viewed(c.input(0), n.view);
  const Tensor from = n.centred ? x - mean(x, n.over, true) : x;
  const Tensor scale = 1 / sqrt(mean(from * from, n.over, true) + n.eps);
  const Tensor h = from * scale;
  if (needs_weight) accumulate(1, g * h);
  if (!c.needs(0)) return;
  const Tensor gw = has_weight ? g * viewed(c.input(1), n.affine) : g;
  const Tensor along = h * mean(gw * h, n.over, true);
  const Tensor rest = n.centred ? gw - mean(gw, n.over, true) - along : gw - along;
  c.accumulate(0, viewed(scale * rest, c.input_shape(0)));
}

void check_per_feature(const char* op, const char* name, const Tensor& vector, const Tensor& x,
                       const std::source_location& location) {
  if (!vector.defined()) return;
  if (vector.shape() != Shape{x.shape()[1]})
    throw_argument(op,
                   fmt::format("{} has shape {}; expected [{}] for x {}", name,
                               to_string(vector.shape()), x.shape()[1], to_string(x.shape())),
                   location);
  if (vector.dtype() != x.dtype())
    throw_argument(
        op,
        fmt::format("{} is {} but x is {}; expected equal dtypes; convert one with to(dtype)", name,
                    name_of(vector.dtype()), name_of(x.dtype())),
        location);
}

void move_towards(const Tensor& running, const Tensor& value, double momentum, double factor,
                  const std::source_location& location) {
  if (!running.defined()) return;
  const NoGrad off;
  Tensor target = running;
  target.mul_(1 - momentum, location);
  target.add_(value, momentum * factor, location);
}

}  // namespace catena::detail
