// Entries of dimensions in reverse, or moved round.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// New memory: a view cannot run backwards.
struct Flip {
  Shape dims;
  static constexpr const char* kFormula = "y[.., i, ..] = x[.., size - 1 - i, ..]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"dims", &Flip::dims, "dimensions; empty: all"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Slice with a step of -1");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// Entry i of dimension dims[k] goes to (i + shifts[k]) modulo the size.
struct Roll {
  Shape shifts, dims;
  static constexpr const char* kFormula = "y[.., (i + shift) mod size, ..] = x[.., i, ..]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"shifts", &Roll::shifts, "how far, per named dimension"},
                                     Attr{"dims", &Roll::dims, "dimensions; each once"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Slice, Concat");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// Along all dimensions when none is named. Errors: a dimension out of range or named twice.
Tensor flip(Operand x, const Shape& dims = {});
// Negative shifts move towards the front. Errors: shifts and dims of different lengths, a dimension
// out of range or named twice.
Tensor roll(Operand x, const Shape& shifts, const Shape& dims);
Tensor roll(Operand x, std::int64_t shift, int dim);
// Of the flattened tensor, in the shape of x.
Tensor roll(Operand x, std::int64_t shift);

}  // namespace catena
