#include "catena/ops/trigonometry.hpp"

#define CATENA_STEM_trigonometry ~,
#include "catena/ops/trigonometry_formulas.hpp"

#include "catena/ops/formula_gradients.hpp"

namespace catena {

Tensor sin(Operand x) { return detail::call_op(op::Sin{}, x); }
Tensor cos(Operand x) { return detail::call_op(op::Cos{}, x); }
Tensor tan(Operand x) { return detail::call_op(op::Tan{}, x); }
Tensor asin(Operand x) { return detail::call_op(op::Asin{}, x); }
Tensor acos(Operand x) { return detail::call_op(op::Acos{}, x); }
Tensor atan(Operand x) { return detail::call_op(op::Atan{}, x); }
Tensor sinh(Operand x) { return detail::call_op(op::Sinh{}, x); }
Tensor cosh(Operand x) { return detail::call_op(op::Cosh{}, x); }
Tensor asinh(Operand x) { return detail::call_op(op::Asinh{}, x); }
Tensor acosh(Operand x) { return detail::call_op(op::Acosh{}, x); }
Tensor atanh(Operand x) { return detail::call_op(op::Atanh{}, x); }

}  // namespace catena
