// Basic slices, NumPy-like, and the adjoint.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

#include "catena/ops/index.hpp"

namespace catena {
namespace op {

// y[i] = x[start + i * step] along every dimension; bounds are already resolved.
struct Slice {
  Shape start, length, step;
  static constexpr OpKind kKind = OpKind::kView;
  static constexpr const char* kFormula = "y[i] = x[start + i * step]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"start", &Slice::start, "first entry, per dimension"},
                                     Attr{"length", &Slice::length, "entries, per dimension"},
                                     Attr{"step", &Slice::step, "distance, per dimension, > 0"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Slice");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The adjoint: zeros of shape `shape` but for y[start + i * step] = x[i].
struct SliceAdjoint {
  Shape shape, start, step;
  static constexpr const char* kFormula = "y = 0; y[start + i * step] = x[i]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"shape", &SliceAdjoint::shape, "shape of y"},
                                     Attr{"start", &SliceAdjoint::start, "first entry"},
                                     Attr{"step", &SliceAdjoint::step, "distance, > 0"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Pad, Reshape, Pad");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// Basic slicing as in NumPy, always a view: slice(x, {1, Slice(0, 4), Ellipsis, NewAxis}). An
// integer drops its dimension, a negative one counts from the end; bounds of a Slice are clipped.
Tensor slice(Operand x, std::span<const Index> where);
Tensor slice(Operand x, std::initializer_list<Index> where);
// One dimension: x[..., start:stop:step, ...] at `dim`, with NumPy's rules for the bounds; and one
// entry of it, which drops the dimension. An entry out of range is an ArgumentError.
Tensor slice(Operand x, int dim, std::int64_t start, std::int64_t stop, std::int64_t step = 1);
Tensor select(Operand x, int dim, std::int64_t index);

}  // namespace catena
