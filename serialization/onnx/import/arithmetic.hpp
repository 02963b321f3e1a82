// Arithmetic that several operators need and Catena has no op for. Not a public header.
#pragma once

#include "catena/graph/tensor.hpp"
#include "catena/serialization/onnx/import/operators.hpp"

namespace catena::onnx {

// Of integers, a / b towards zero, exact for all of int64; of reals the plain quotient.
Tensor quotient(const Tensor& a, const Tensor& b);
// What is left: a - b * quotient, with the sign of a (as C's fmod), or of b (as Python's %).
Tensor remainder(const Tensor& a, const Tensor& b, bool sign_of_a);
// Input b as it meets input a: before opset 7 it is put at the attribute `axis`.
Tensor right_operand(Call& c);
// A product of matrices, of integers too.
Tensor product(const Tensor& a, const Tensor& b);
// 0-d, of the dtype and device of `like`.
Tensor number_like(const Tensor& like, Scalar value);

}  // namespace catena::onnx
