// Pointwise arithmetic, comparisons and the commonest functions. Shapes broadcast, dtypes promote,
// scalars are weak; functions of integers give float32.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/pointwise.hpp"

namespace catena {

namespace op {

CATENA_POINTWISE(Add, kArithmetic2, Saves::nothing(), OnnxRow::op("Add"), "y = a + b", "a", "b");
CATENA_POINTWISE(Sub, kArithmetic2, Saves::nothing(), OnnxRow::op("Sub"), "y = a - b", "a", "b");
CATENA_POINTWISE(Mul, kArithmetic2, Saves::per_input({kIn1, kIn0}), OnnxRow::op("Mul"), "y = a * b",
                 "a", "b");
CATENA_POINTWISE(Div, kMath2, Saves::per_input({kIn1, kIn1 | kOut}), OnnxRow::op("Div"),
                 "y = a / b", "a", "b");
CATENA_POINTWISE(Neg, kArithmetic1, Saves::nothing(), OnnxRow::op("Neg"), "y = -x", "x");
// The derivative in b at a = 0 is 0 for b >= 0, as everybody defines it.
CATENA_POINTWISE(Pow, kMath2, Saves::per_input({kIn0 | kIn1, kIn0 | kIn1 | kOut}),
                 OnnxRow::op("Pow"), "y = a ^ b", "a", "b");
CATENA_POINTWISE(Exp, kMath1, Saves::output(), OnnxRow::op("Exp"), "y = e^x", "x");
CATENA_POINTWISE(Log, kMath1, Saves::inputs(0), OnnxRow::op("Log"), "y = ln x", "x");
CATENA_POINTWISE(Sqrt, kMath1, Saves::output(), OnnxRow::op("Sqrt"), "y = x^(1/2)", "x");
CATENA_POINTWISE(Tanh, kMath1, Saves::output(), OnnxRow::op("Tanh"),
                 "y = (e^x - e^-x) / (e^x + e^-x)", "x");
CATENA_POINTWISE(Sigmoid, kMath1, Saves::output(), OnnxRow::op("Sigmoid"), "y = 1 / (1 + e^-x)",
                 "x");
// The derivative at 0 is 0, at NaN 1.
CATENA_POINTWISE(Relu, kArithmetic1, Saves::output(), OnnxRow::op("Relu"), "y = max(x, 0)", "x");
CATENA_POINTWISE(Equal, kCompare, Saves::nothing(), OnnxRow::op("Equal"), "y = a == b", "a", "b");
CATENA_POINTWISE(NotEqual, kCompare, Saves::nothing(), OnnxRow::expands("Not(Equal)"), "y = a != b",
                 "a", "b");
CATENA_POINTWISE(Less, kCompare, Saves::nothing(), OnnxRow::op("Less"), "y = a < b", "a", "b");
CATENA_POINTWISE(LessEqual, kCompare, Saves::nothing(), OnnxRow::op("LessOrEqual"), "y = a <= b",
                 "a", "b");
CATENA_POINTWISE(Greater, kCompare, Saves::nothing(), OnnxRow::op("Greater"), "y = a > b", "a",
                 "b");
CATENA_POINTWISE(GreaterEqual, kCompare, Saves::nothing(), OnnxRow::op("GreaterOrEqual"),
                 "y = a >= b", "a", "b");
CATENA_POINTWISE(Where, (PointwiseRule{.inputs = 3, .first_promoted = 1, .dtypes = kComputeTypes}),
                 Saves::inputs(0), OnnxRow::op("Where"), "y = condition ? a : b", "condition", "a",
                 "b");
// Of a probability a and a target b. Logarithms are at least -100 and the derivative in a divides
// by at least 1e-12, as in PyTorch.
CATENA_POINTWISE(BinaryCrossEntropy, kMath2, Saves::per_input({kIn0 | kIn1, kIn0}),
                 OnnxRow::expands("Log, Max, Mul, Sub"), "y = -(b log a + (1 - b) log(1 - a))", "a",
                 "b");

}  // namespace op

// y = a + b and so on; shapes broadcast, dtypes promote. Errors: shapes that do not broadcast.
Tensor add(Operand a, Operand b);
Tensor sub(Operand a, Operand b);
Tensor mul(Operand a, Operand b);
Tensor div(Operand a, Operand b);  // true division: integers give float32
Tensor neg(Operand x);
Tensor pow(Operand base, Operand exponent);
Tensor pow(Operand base, Scalar exponent);
Tensor pow(Scalar base, Operand exponent);
Tensor exp(Operand x);
Tensor log(Operand x);
Tensor sqrt(Operand x);
Tensor tanh(Operand x);
Tensor sigmoid(Operand x);
Tensor relu(Operand x);
// -(target log probability + (1 - target) log(1 - probability)), logarithms at least -100.
Tensor binary_cross_entropy(Operand probability, Operand target);
// Bool tensors.
Tensor equal(Operand a, Operand b);
Tensor not_equal(Operand a, Operand b);
Tensor less(Operand a, Operand b);
Tensor less_equal(Operand a, Operand b);
Tensor greater(Operand a, Operand b);
Tensor greater_equal(Operand a, Operand b);
// Element by element a where `condition` (bool) holds, else b.
Tensor where(Operand condition, Operand a, Operand b);
Tensor where(Operand condition, Operand a, Scalar b);
Tensor where(Operand condition, Scalar a, Operand b);
// x with `value` wherever the bool `mask`, broadcast to x, holds; the dtype of x stays. Errors: a
// mask that is not bool or does not broadcast to x; a real value for an integer x.
Tensor masked_fill(Operand x, Operand mask, Scalar value);
// The same under the name the formulas use.
inline Tensor select(const Tensor& condition, const Tensor& a, const Tensor& b) {
  return where(condition, a, b);
}

Tensor operator-(Operand x);
#define CATENA_BINARY_OPERATOR(symbol)          \
  Tensor operator symbol(Operand a, Operand b); \
  Tensor operator symbol(Operand a, Scalar b);  \
  Tensor operator symbol(Scalar a, Operand b);
CATENA_BINARY_OPERATOR(+)
CATENA_BINARY_OPERATOR(-)
CATENA_BINARY_OPERATOR(*)
CATENA_BINARY_OPERATOR(/)
CATENA_BINARY_OPERATOR(==)
CATENA_BINARY_OPERATOR(!=)
CATENA_BINARY_OPERATOR(<)
CATENA_BINARY_OPERATOR(<=)
CATENA_BINARY_OPERATOR(>)
CATENA_BINARY_OPERATOR(>=)
#undef CATENA_BINARY_OPERATOR

}  // namespace catena
