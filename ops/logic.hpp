// Tests of numbers and logic of their answers: bool tensors. Shapes broadcast.
#pragma once

#include "catena/graph/dispatch.hpp"
#include "catena/ops/pointwise.hpp"

namespace catena {
namespace op {

CATENA_POINTWISE(Isnan, kTest1, Saves::nothing(), OnnxRow::op("IsNaN"), "y = x is NaN", "x");
CATENA_POINTWISE(Isinf, kTest1, Saves::nothing(), OnnxRow::op("IsInf"), "y = |x| is infinite", "x");
CATENA_POINTWISE(Isfinite, kTest1, Saves::nothing(), OnnxRow::expands("IsNaN, IsInf, Or, Not"),
                 "y = x is neither infinite nor NaN", "x");
CATENA_POINTWISE(LogicalAnd, kLogic2, Saves::nothing(), OnnxRow::op("And"), "y = a and b", "a",
                 "b");
CATENA_POINTWISE(LogicalOr, kLogic2, Saves::nothing(), OnnxRow::op("Or"), "y = a or b", "a", "b");
CATENA_POINTWISE(LogicalNot, kLogic1, Saves::nothing(), OnnxRow::op("Not"), "y = not x", "x");

}  // namespace op

// Of any dtype kernels compute with; integers and bool are finite.
Tensor isnan(Operand x);
Tensor isinf(Operand x);
Tensor isfinite(Operand x);
// Of bool tensors; other dtypes are an error (compare them with something first).
Tensor logical_and(Operand a, Operand b);
Tensor logical_or(Operand a, Operand b);
Tensor logical_not(Operand x);

}  // namespace catena
