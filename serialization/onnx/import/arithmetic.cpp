#include "catena/serialization/onnx/import/arithmetic.hpp"

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/logic.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/shape.hpp"

namespace catena::onnx {

Tensor number_like(const Tensor& like, Scalar value) {
  return full({}, value, {like.dtype(), like.device()});
}

Tensor quotient(const Tensor& a, const Tensor& b) {
  if (is_floating(a.dtype()) || is_floating(b.dtype())) return a / b;
  const DType dtype = promote(a.dtype(), b.dtype());
  const Tensor x = cast(a, kInt64), y = cast(b, kInt64);
  const auto rounded = [](const Tensor& p, const Tensor& q) {
    return cast(trunc(cast(p, kFloat64) / cast(q, kFloat64)), kInt64);
  };
  Tensor q = rounded(x, y);
  if (dtype == kInt64) {
    // float64 has 53 bits: correct by what is left, then by one where the remainder is still wrong.
    q = q + rounded(x - q * y, y);
    const Tensor left = x - q * y;
    const Tensor away = cast(greater_equal(abs(left), abs(y)), kInt64);
    const Tensor beyond = cast(sign(left) * sign(x) < 0, kInt64);
    q = q + sign(left) * sign(y) * (away + beyond);
  }
  return cast(q, dtype);
}

Tensor remainder(const Tensor& a, const Tensor& b, bool sign_of_a) {
  const bool real = is_floating(a.dtype()) || is_floating(b.dtype());
  Tensor left;
  if (real) {
    // The product is exact in float64 for all quotients below 2^29.
    const Tensor x = cast(a, kFloat64), y = cast(b, kFloat64);
    left = x - y * trunc(x / y);
    left = where(left * sign(x) < 0, left + abs(y) * sign(x), left);
  } else {
    const Tensor x = cast(a, kInt64), y = cast(b, kInt64);
    left = x - y * quotient(x, y);
  }
  if (!sign_of_a) left = where(sign(left) * sign(b) < 0, left + b, left);
  return cast(left, promote(a.dtype(), b.dtype()));
}

Tensor right_operand(Call& c) {
  const Tensor& b = c.in(1);
  if (c.opset() >= 7 || !c.has_attribute("axis")) return b;
  const int axis = c.axis(c.required_integer("axis"), c.in(0).rank());
  if (axis + b.rank() > c.in(0).rank())
    c.fail(
        fmt::format("axis {} with b of {} dimensions and a of {}", axis, b.rank(), c.in(0).rank()));
  Shape shape = b.shape();
  while (axis + shape.rank() < c.in(0).rank()) shape.push_back(1);
  return reshape(b, shape);
}

Tensor product(const Tensor& a, const Tensor& b) {
  if (is_floating(a.dtype()) && is_floating(b.dtype())) return matmul(a, b);
  // Exact up to 2^53.
  return cast(matmul(cast(a, kFloat64), cast(b, kFloat64)), promote(a.dtype(), b.dtype()));
}

}  // namespace catena::onnx
