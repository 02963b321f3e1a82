// Matrix products of all ranks, and the product of a layer.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// NumPy's matmul: vector-vector gives a scalar, matrix-vector and vector-matrix a vector, matrices
// of higher rank are batches whose leading dimensions broadcast. float32 or float64, equal dtypes.
struct Matmul {
  static constexpr const char* kFormula = "y[.., i, j] = sum_k a[.., i, k] b[.., k, j]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple<> kAttrs{};
  static constexpr Inputs kInputs{"a", "b"};
  static constexpr Saves kSaves = Saves::per_input({Saves::input_bit(1), Saves::input_bit(0)});
  static constexpr OnnxRow kOnnx = OnnxRow::op("MatMul");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// What a fully connected layer computes: x [.., k], weight [n, k], bias [n] or none, y [.., n].
// float32 or float64, equal dtypes.
struct Linear {
  static constexpr const char* kFormula = "y[.., i] = sum_k x[.., k] weight[i, k] + bias[i]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple<> kAttrs{};
  static constexpr Inputs kInputs{"x", "weight", "bias?"};
  static constexpr Saves kSaves = Saves::per_input({Saves::input_bit(1), Saves::input_bit(0), 0});
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("Gemm for a matrix x, else Transpose, MatMul and Add");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

Tensor matmul(Operand a, Operand b);
Tensor linear(Operand x, Operand weight);
Tensor linear(Operand x, Operand weight, Operand bias);

}  // namespace catena
