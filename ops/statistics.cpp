// Shape rules, gradients and public functions of the statistics.
#include "catena/ops/statistics.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "catena/ops/composite.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/reduced_shape.hpp"

namespace catena {
namespace {

using detail::aligned;
using detail::fail;
using detail::not_floating;
using detail::reduced_count;
using detail::resolved_dims;

void infer_reduced(InferContext& c, const Shape& dims, bool keepdim) {
  if (!is_floating(c.dtype(0))) c.fail(not_floating("x", c.dtype(0)));
  c.output(detail::reduced_shape(c.shape(0), c.dims(dims, c.rank(0)), keepdim), c.dtype(0));
}

// (x - mean x) / (n - correction)
template <class Op>
Tensor deviation(const Op& op, const Tensor& x, const Shape& over) {
  const double n = static_cast<double>(detail::reduced_count(x.shape(), over));
  const Tensor centred = x - mean(x, over, true);
  return centred / std::max(0.0, n - op.correction);
}

Tensor one_for_zero(const Tensor& x) { return where(x == 0, 1, x); }

}  // namespace

namespace op {

void Var::infer(InferContext& c) const { infer_reduced(c, dims, keepdim); }

void Var::vjp(VjpContext& c) const {
  const Tensor x = c.input(0);
  const Shape over = resolved_dims(dims, x.rank());
  c.accumulate(0, aligned(c.grad() * 2, x.shape(), over, keepdim) * deviation(*this, x, over));
}

void Stddev::infer(InferContext& c) const { infer_reduced(c, dims, keepdim); }

void Stddev::vjp(VjpContext& c) const {
  const Tensor x = c.input(0), y = c.output();
  const Shape over = resolved_dims(dims, x.rank());
  const Tensor factor = where(y == 0, 0, c.grad() / one_for_zero(y));
  c.accumulate(0, aligned(factor, x.shape(), over, keepdim) * deviation(*this, x, over));
}

void LogSumExp::infer(InferContext& c) const { infer_reduced(c, dims, keepdim); }

// dx = e^(x - y) g
void LogSumExp::vjp(VjpContext& c) const {
  const Tensor x = c.input(0), y = c.output();
  const Shape over = resolved_dims(dims, x.rank());
  const Tensor shift = where(y == -std::numeric_limits<double>::infinity(), 0, y);
  c.accumulate(0, exp(x - aligned(shift, x.shape(), over, keepdim)) *
                      aligned(c.grad(), x.shape(), over, keepdim));
}

// Where a power or its sum is 0 the chain rule would multiply 0 by infinity: there the derivative
// is cut off by choosing a constant, before and after.
Tensor Norm::compose(std::span<const Tensor> in) const {
  const Tensor& x = in[0];
  if (!is_floating(x.dtype())) fail(*this, not_floating("x", x.dtype()));
  if (std::isnan(p)) fail(*this, "p is NaN; expected a number, inf or -inf");
  if (std::isinf(p) && reduced_count(x.shape(), resolved_dims(dims, x.rank())) == 0)
    fail(*this, fmt::format("x has shape {} and the {} size of no entries is asked for; expected "
                            "entries along each reduced dimension, or a finite p",
                            to_string(x.shape()), p > 0 ? "largest" : "smallest"));
  if (p == 0) return sum(where(x == 0, 0, pow(one_for_zero(x), 0)), dims, keepdim);
  if (p == 2) {
    const Tensor squares = sum(x * x, dims, keepdim);
    return where(squares == 0, 0, sqrt(one_for_zero(squares)));
  }
  const Tensor size = abs(x);
  if (p == 1) return sum(size, dims, keepdim);
  if (std::isinf(p)) return p > 0 ? max(size, dims, keepdim) : min(size, dims, keepdim);
  const Tensor power = pow(one_for_zero(size), p);
  const Tensor total =
      sum(where(size == 0, p > 0 ? 0.0 : std::numeric_limits<double>::infinity(), power), dims,
          keepdim);
  const Tensor root = pow(one_for_zero(total), 1 / p);
  return where(total == 0, p > 0 ? 0.0 : std::numeric_limits<double>::infinity(), root);
}

}  // namespace op

Tensor var(Operand x, const Shape& dims, bool keepdim, double correction) {
  return detail::call_op(op::Var{dims, keepdim, correction}, x);
}
Tensor stddev(Operand x, const Shape& dims, bool keepdim, double correction) {
  return detail::call_op(op::Stddev{dims, keepdim, correction}, x);
}
Tensor logsumexp(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::LogSumExp{dims, keepdim}, x);
}
Tensor norm(Operand x, double p, const Shape& dims, bool keepdim) {
  return detail::call_op(op::Norm{p, dims, keepdim}, x);
}

}  // namespace catena
