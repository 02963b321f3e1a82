#include "catena/ops/math.hpp"

#include "catena/ops/cast.hpp"

#define CATENA_STEM_math ~,
#include "catena/ops/math_formulas.hpp"

#include "catena/ops/formula_gradients.hpp"
#include "catena/ops/weak_scalar.hpp"

namespace catena {

Tensor abs(Operand x) { return detail::call_op(op::Abs{}, x); }
Tensor sign(Operand x) { return detail::call_op(op::Sign{}, x); }
Tensor floor(Operand x) { return detail::call_op(op::Floor{}, x); }
Tensor ceil(Operand x) { return detail::call_op(op::Ceil{}, x); }
Tensor round(Operand x) { return detail::call_op(op::Round{}, x); }
Tensor trunc(Operand x) { return detail::call_op(op::Trunc{}, x); }
Tensor reciprocal(Operand x) { return detail::call_op(op::Reciprocal{}, x); }
Tensor rsqrt(Operand x) { return detail::call_op(op::Rsqrt{}, x); }
Tensor expm1(Operand x) { return detail::call_op(op::Expm1{}, x); }
Tensor log1p(Operand x) { return detail::call_op(op::Log1p{}, x); }
Tensor erf(Operand x) { return detail::call_op(op::Erf{}, x); }
Tensor erfc(Operand x) { return detail::call_op(op::Erfc{}, x); }

Tensor minimum(Operand a, Operand b) { return detail::call_op(op::Minimum{}, a, b); }
Tensor minimum(Operand a, Scalar b) { return detail::with_scalar<op::Minimum>(a, b); }
Tensor maximum(Operand a, Operand b) { return detail::call_op(op::Maximum{}, a, b); }
Tensor maximum(Operand a, Scalar b) { return detail::with_scalar<op::Maximum>(a, b); }

Tensor clamp(Operand x, std::optional<Scalar> min, std::optional<Scalar> max) {
  if (!min && !max)
    throw_argument("clamp", "min and max are both absent; expected one at least; give a bound",
                   x.location());
  op::Clamp op;
  if (min) op.min = min->as<double>();
  if (max) op.max = max->as<double>();
  const bool real = (min && min->is_real()) || (max && max->is_real());
  if (real && x.impl() && !is_floating(x.impl()->dtype)) {
    Operand converted(cast(x.tensor(), kFloat32), x.location());
    return detail::call_op(op, converted);
  }
  return detail::call_op(op, x);
}

Tensor lerp(Operand start, Operand end, Operand weight) {
  return detail::call_op(op::Lerp{}, start, end, weight);
}
Tensor lerp(Operand start, Operand end, Scalar weight) {
  Operand third(detail::weak<op::Lerp>(weight, start), start.location());
  return detail::call_op(op::Lerp{}, start, end, third);
}

}  // namespace catena
