// Products of matrices.
#include "catena/ops/cast.hpp"
#include "catena/ops/einsum.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/shape.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

Values mat_mul(Call& c) { return {product(c.in(0), c.in(1))}; }

Values gemm(Call& c) {
  const bool turn_a = c.attribute("transA", std::int64_t{0}) != 0;
  const bool turn_b = c.attribute("transB", std::int64_t{0}) != 0;
  const double alpha = c.attribute("alpha", 1.0), beta = c.attribute("beta", 1.0);
  const Tensor &a = c.in(0), &b = c.in(1);
  if (a.rank() != 2 || b.rank() != 2) c.fail("a and b must be matrices");
  if (turn_b && !turn_a && alpha == 1 && is_floating(a.dtype())) {
    if (!c.has(2)) return {linear(a, b)};
    if (beta == 1 && c.in(2).shape() == Shape{b.shape()[0]}) return {linear(a, b, c.in(2))};
  }
  Tensor y = product(turn_a ? transpose(a, 0, 1) : a, turn_b ? transpose(b, 0, 1) : b);
  if (alpha != 1) y = y * alpha;
  if (c.has(2)) y = y + (beta == 1 ? c.in(2) : c.in(2) * beta);
  return {y};
}

Values einsum_of(Call& c) {
  std::vector<Tensor> tensors;
  for (int i = 0; i < c.count(); ++i) tensors.push_back(c.in(i));
  std::string equation;
  for (const char letter : c.attribute("equation", ""))
    if (letter != ' ') equation += letter;
  return {einsum(equation, tensors)};
}

}  // namespace

std::vector<Operator> linear_algebra_operators() {
  return {
      {"Einsum", 12, einsum_of},
      {"Gemm", 1, gemm},
      {"MatMul", 1, mat_mul},
  };
}

}  // namespace catena::onnx
