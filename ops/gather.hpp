// Entries picked, or written, one by one along a dimension.
#pragma once

#include <optional>
#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

// In all of these `index` is int32 or int64 and has as many dimensions as x; along `dim` it holds
// numbers of entries of x, from -size to size - 1 (negative ones count from the end, as in NumPy
// and ONNX), and in no other dimension is it larger than x. An index out of range is an
// ArgumentError that names its position. Formulas are for dim 0 of a matrix.
namespace catena {
namespace op {

// y has the shape of index.
struct Gather {
  std::int64_t dim = 0;
  static constexpr const char* kFormula = "y[i, j] = x[index[i, j], j]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"dim", &Gather::dim, "dimension indexed"}};
  static constexpr Inputs kInputs{"x", "index"};
  static constexpr Saves kSaves = Saves::inputs(1);
  static constexpr OnnxRow kOnnx = OnnxRow::op("GatherElements");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// src has the shape of index. Where an entry is written twice the last one in row-major order of
// the index stays, and only that one gets a gradient.
struct Scatter {
  std::int64_t dim = 0;
  static constexpr const char* kFormula = "y = x; y[index[i, j], j] = src[i, j]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"dim", &Scatter::dim, "dimension indexed"}};
  static constexpr Inputs kInputs{"x", "index", "src"};
  static constexpr Saves kSaves = Saves::per_input({Saves::input_bit(1), 0u, Saves::input_bit(1)});
  static constexpr OnnxRow kOnnx = OnnxRow::op("ScatterElements");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// src has the shape of index. Sums run in row-major order of the index: the same bits for any
// number of threads.
struct ScatterAdd {
  std::int64_t dim = 0;
  static constexpr const char* kFormula = "y = x; y[index[i, j], j] += src[i, j]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"dim", &ScatterAdd::dim, "dimension indexed"}};
  static constexpr Inputs kInputs{"x", "index", "src"};
  static constexpr Saves kSaves = Saves::per_input({0u, 0u, Saves::input_bit(1)});
  static constexpr OnnxRow kOnnx = OnnxRow::op("ScatterElements");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

Tensor gather(Operand x, int dim, Operand index);
// src may be larger than index: what is beyond is not read.
Tensor scatter(Operand x, int dim, Operand index, Operand src);
Tensor scatter(Operand x, int dim, Operand index, Scalar value);
Tensor scatter_add(Operand x, int dim, Operand index, Operand src);
// gather after x and index are broadcast to each other in all dimensions but `dim`; without a
// dimension of the flattened tensors. What argsort and argmax (with keepdim) give fits as index.
Tensor take_along_dim(Operand x, Operand index, std::optional<int> dim = {});

}  // namespace catena
