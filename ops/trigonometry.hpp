// Circular and hyperbolic functions and their inverses, in radians; integers give float32. Accurate
// to 4 units in the last place, sin, cos and tan at any argument. NaN outside the domain.
#pragma once

#include "catena/graph/dispatch.hpp"
#include "catena/ops/pointwise.hpp"

namespace catena {
namespace op {

CATENA_POINTWISE(Sin, kMath1, Saves::inputs(0), OnnxRow::op("Sin"), "y = sin x", "x");
CATENA_POINTWISE(Cos, kMath1, Saves::inputs(0), OnnxRow::op("Cos"), "y = cos x", "x");
CATENA_POINTWISE(Tan, kMath1, Saves::output(), OnnxRow::op("Tan"), "y = tan x", "x");
CATENA_POINTWISE(Asin, kMath1, Saves::inputs(0), OnnxRow::op("Asin"), "y = arcsin x", "x");
CATENA_POINTWISE(Acos, kMath1, Saves::inputs(0), OnnxRow::op("Acos"), "y = arccos x", "x");
CATENA_POINTWISE(Atan, kMath1, Saves::inputs(0), OnnxRow::op("Atan"), "y = arctan x", "x");
CATENA_POINTWISE(Sinh, kMath1, Saves::inputs(0), OnnxRow::op("Sinh"), "y = (e^x - e^-x) / 2", "x");
CATENA_POINTWISE(Cosh, kMath1, Saves::inputs(0), OnnxRow::op("Cosh"), "y = (e^x + e^-x) / 2", "x");
CATENA_POINTWISE(Asinh, kMath1, Saves::inputs(0), OnnxRow::op("Asinh"), "y = ln(x + sqrt(x^2 + 1))",
                 "x");
CATENA_POINTWISE(Acosh, kMath1, Saves::inputs(0), OnnxRow::op("Acosh"), "y = ln(x + sqrt(x^2 - 1))",
                 "x");
CATENA_POINTWISE(Atanh, kMath1, Saves::inputs(0), OnnxRow::op("Atanh"),
                 "y = ln((1 + x) / (1 - x)) / 2", "x");

}  // namespace op

Tensor sin(Operand x);
Tensor cos(Operand x);
Tensor tan(Operand x);
Tensor asin(Operand x);  // of [-1, 1]
Tensor acos(Operand x);  // of [-1, 1]
Tensor atan(Operand x);
Tensor sinh(Operand x);
Tensor cosh(Operand x);
Tensor asinh(Operand x);
Tensor acosh(Operand x);  // of [1, inf]
Tensor atanh(Operand x);  // of [-1, 1]

}  // namespace catena
