// A tensor repeated side by side.
#pragma once

#include <source_location>
#include <span>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// Dimension d repeated repeats[d] times; both lists are aligned at their ends, what is missing in
// front counts as 1. Made of Expand and Reshape: one copy, whose gradient is a sum.
struct Tile {
  Shape repeats;
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula = "y[i, j, ..] = x[i mod size_0, j mod size_1, ..]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"repeats", &Tile::repeats, "per dimension, 0 or more"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Tile");
  Tensor compose(std::span<const Tensor> in) const;
};

}  // namespace op

// NumPy's tile, the same as PyTorch's. Errors: a negative number, more than 8 dimensions.
Tensor tile(Operand x, const Shape& repeats);
// PyTorch's repeat: there must be a number for every dimension of x.
Tensor repeat(Operand x, const Shape& repeats);

}  // namespace catena
