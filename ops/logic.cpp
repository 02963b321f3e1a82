#include "catena/ops/logic.hpp"

#define CATENA_STEM_logic ~,
#include "catena/ops/logic_formulas.hpp"

#include "catena/ops/formula_gradients.hpp"

namespace catena {

Tensor isnan(Operand x) { return detail::call_op(op::Isnan{}, x); }
Tensor isinf(Operand x) { return detail::call_op(op::Isinf{}, x); }
Tensor isfinite(Operand x) { return detail::call_op(op::Isfinite{}, x); }
Tensor logical_and(Operand a, Operand b) { return detail::call_op(op::LogicalAnd{}, a, b); }
Tensor logical_or(Operand a, Operand b) { return detail::call_op(op::LogicalOr{}, a, b); }
Tensor logical_not(Operand x) { return detail::call_op(op::LogicalNot{}, x); }

}  // namespace catena
