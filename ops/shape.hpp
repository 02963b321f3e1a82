// New descriptions of the same elements: reshape, transpose, expand.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// The same elements in row-major order under another shape; one size may be -1. A view where the
// strides allow it, otherwise of a row-major copy.
struct Reshape {
  Shape shape;
  static constexpr OpKind kKind = OpKind::kView;
  static constexpr bool kRelabels = true;
  static constexpr const char* kFormula = "y = x with another shape";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"shape", &Reshape::shape, "sizes; one may be -1"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Reshape");
  void infer(InferContext& c) const;
};

// Dimensions in another order: dimension i of y is dimension perm[i] of x.
struct Transpose {
  Shape perm;
  static constexpr OpKind kKind = OpKind::kView;
  static constexpr const char* kFormula = "y[i_perm[0], i_perm[1], ..] = x[i_0, i_1, ..]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"perm", &Transpose::perm, "a permutation of 0..rank-1"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Transpose");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// Dimensions of size 1 repeated, and new ones in front, without a copy. -1 keeps a size.
struct Expand {
  Shape shape;
  static constexpr OpKind kKind = OpKind::kView;
  static constexpr const char* kFormula = "y = x broadcast to shape";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"shape", &Expand::shape, "sizes; -1 keeps one"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Expand");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

Tensor reshape(Operand x, const Shape& shape);
// Dimensions `from` to `to` (both included) as one, row-major. A 0-d tensor becomes a vector.
Tensor flatten(Operand x, int from = 0, int to = -1);
// The inverse: dimension `dim` as several of these sizes, one of which may be -1. Errors: sizes
// whose product is not that of the dimension.
Tensor unflatten(Operand x, int dim, const Shape& sizes);
// Two dimensions exchanged; swapaxes is NumPy's name for it.
Tensor transpose(Operand x, int dim0, int dim1);
Tensor swapaxes(Operand x, int dim0, int dim1);
Tensor permute(Operand x, const Shape& dims);
// Dimension from[i] goes to place to[i], the others keep their order. Errors: lists of different
// lengths, a dimension named twice.
Tensor movedim(Operand x, const Shape& from, const Shape& to);
Tensor movedim(Operand x, int from, int to);
Tensor expand(Operand x, const Shape& shape);
// Without one dimension, several, or every one of size 1. Errors: a named dimension of another
// size.
Tensor squeeze(Operand x, int dim);
Tensor squeeze(Operand x, const Shape& dims);
Tensor squeeze(Operand x);
Tensor unsqueeze(Operand x, int dim);

}  // namespace catena
