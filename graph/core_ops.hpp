// The few ops the core itself calls, handed over by init() so that graph/ need not know ops/.
#pragma once

#include "catena/graph/op.hpp"

namespace catena::detail {

struct CoreOps {
  const PointwiseLoops* add_loops = nullptr;  // of the CPU
  const void* add_op = nullptr;               // its attributes
  Tensor (*add)(const Tensor& a, const Tensor& b) = nullptr;
  Tensor (*sum_to)(Tensor x, const Shape& shape) = nullptr;
  Tensor (*cast)(const Tensor& x, DType dtype) = nullptr;
  Tensor (*scale)(const Tensor& x, Scalar factor) = nullptr;
  Tensor (*slice_adjoint)(const Tensor& x, const Shape& shape, const SliceSpec& where) = nullptr;
  Tensor (*dot)(const Tensor& a, const Tensor& b) = nullptr;      // the sum of a b, of equal shapes
  Tensor (*product)(const Tensor& a, const Tensor& b) = nullptr;  // a b
  Tensor (*product_tn)(const Tensor& a, const Tensor& b) = nullptr;  // a^T b
  Tensor (*transpose)(const Tensor& x) = nullptr;                    // of a matrix
  Tensor (*concat_rows)(std::span<const Tensor> tensors) = nullptr;  // along dimension 0
};

// Filled once init() has run, as it has wherever an op is called or its gradient computed.
extern CoreOps core_ops_table;
inline CoreOps& core_ops() { return core_ops_table; }

}  // namespace catena::detail
