// Pointwise functions of numbers: magnitude, rounding, bounds, powers, the error function. Shapes
// broadcast, dtypes promote, scalars are weak. What is a whole number for integers keeps their
// dtype (abs, sign, rounding, minimum, maximum, clamp); the rest gives float32 for them.
#pragma once

#include <limits>
#include <optional>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/pointwise.hpp"

namespace catena {
namespace op {

// The derivative at 0 is 0.
CATENA_POINTWISE(Abs, kArithmetic1, Saves::inputs(0), OnnxRow::op("Abs"), "y = |x|", "x");
// 0 for NaN. The derivative is 0, as that of the rounding functions.
CATENA_POINTWISE(Sign, kArithmetic1, Saves::nothing(), OnnxRow::op("Sign"),
                 "y = x > 0 ? 1 : x < 0 ? -1 : 0", "x");
CATENA_POINTWISE(Floor, kArithmetic1, Saves::nothing(), OnnxRow::op("Floor"),
                 "y = largest integer <= x", "x");
CATENA_POINTWISE(Ceil, kArithmetic1, Saves::nothing(), OnnxRow::op("Ceil"),
                 "y = smallest integer >= x", "x");
CATENA_POINTWISE(Round, kArithmetic1, Saves::nothing(), OnnxRow::op("Round"),
                 "y = nearest integer, halves to even", "x");
CATENA_POINTWISE(Trunc, kArithmetic1, Saves::nothing(), OnnxRow::expands("Sign, Abs, Floor, Mul"),
                 "y = integer part of x", "x");
// NaN wins. Ties share the gradient evenly.
CATENA_POINTWISE(Minimum, kArithmetic2, Saves::inputs(0, 1), OnnxRow::op("Min"),
                 "y = a <= b ? a : b", "a", "b");
CATENA_POINTWISE(Maximum, kArithmetic2, Saves::inputs(0, 1), OnnxRow::op("Max"),
                 "y = a >= b ? a : b", "a", "b");
// The derivative is 1 on [min, max]. Where min > max, y is max.
struct Clamp {
  double min = -std::numeric_limits<double>::infinity();
  double max = std::numeric_limits<double>::infinity();
  static constexpr std::tuple kAttrs{Attr{"min", &Clamp::min, "lower bound; -inf: none"},
                                     Attr{"max", &Clamp::max, "upper bound; inf: none"}};
  CATENA_POINTWISE_MEMBERS(kArithmetic1, Saves::inputs(0), OnnxRow::expands("Clip"),
                           "y = min(max(x, min), max)", "x");
};
CATENA_POINTWISE(Reciprocal, kMath1, Saves::output(), OnnxRow::op("Reciprocal"), "y = 1 / x", "x");
CATENA_POINTWISE(Rsqrt, kMath1, Saves::output(), OnnxRow::expands("Sqrt, Reciprocal"),
                 "y = x^(-1/2)", "x");
CATENA_POINTWISE(Expm1, kMath1, Saves::output(), OnnxRow::expands("Exp, Sub"), "y = e^x - 1", "x");
CATENA_POINTWISE(Log1p, kMath1, Saves::inputs(0), OnnxRow::expands("Add, Log"), "y = ln(1 + x)",
                 "x");
CATENA_POINTWISE(Erf, kMath1, Saves::inputs(0), OnnxRow::op("Erf"),
                 "y = 2 / sqrt(pi) integral_0^x e^-t^2 dt", "x");
CATENA_POINTWISE(Erfc, kMath1, Saves::inputs(0), OnnxRow::expands("Erf, Sub"), "y = 1 - erf x",
                 "x");
// Exact at both ends: computed from the nearer one.
CATENA_POINTWISE(Lerp, kMath3, Saves::per_input({kIn2, kIn2, kIn0 | kIn1}),
                 OnnxRow::expands("Sub, Mul, Add"), "y = start + weight (end - start)", "start",
                 "end", "weight");

}  // namespace op

// Element by element; see the formulas above. Errors: shapes that do not broadcast.
Tensor abs(Operand x);
Tensor sign(Operand x);
Tensor floor(Operand x);
Tensor ceil(Operand x);
Tensor round(Operand x);
Tensor trunc(Operand x);
Tensor minimum(Operand a, Operand b);
Tensor minimum(Operand a, Scalar b);
Tensor maximum(Operand a, Operand b);
Tensor maximum(Operand a, Scalar b);
// x held within [min, max]; either may be absent: clamp(x, {}, 1). Integers stay integers when the
// bounds are integers, and become float32 when one is not; bounds of int64 are exact up to 2^53. A
// bound that is NaN binds nothing. Errors: no bound at all.
Tensor clamp(Operand x, std::optional<Scalar> min, std::optional<Scalar> max = {});
Tensor reciprocal(Operand x);
Tensor rsqrt(Operand x);
Tensor expm1(Operand x);
Tensor log1p(Operand x);
Tensor erf(Operand x);
Tensor erfc(Operand x);
Tensor lerp(Operand start, Operand end, Operand weight);
Tensor lerp(Operand start, Operand end, Scalar weight);

}  // namespace catena
