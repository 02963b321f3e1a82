// Picking entries of a dimension by number, and the adjoint.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// y[..., j, ...] = x[..., index[j], ...] along `dim`; index is a vector of int32 or int64 with
// 0 <= index < size (checked: an index out of range is an ArgumentError).
struct IndexSelect {
  std::int64_t dim = 0;
  static constexpr const char* kFormula = "y[.., j, ..] = x[.., index[j], ..]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"dim", &IndexSelect::dim, "dimension indexed"}};
  static constexpr Inputs kInputs{"x", "index"};
  static constexpr Saves kSaves = Saves::inputs(1);
  static constexpr OnnxRow kOnnx = OnnxRow::op("Gather");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The adjoint: y is zero but for y[.., index[j], ..] += x[.., j, ..]; y has `size` entries in `dim`.
struct IndexAdd {
  std::int64_t dim = 0;
  std::int64_t size = 0;
  static constexpr const char* kFormula = "y = 0; y[.., index[j], ..] += x[.., j, ..]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"dim", &IndexAdd::dim, "dimension indexed"},
                                     Attr{"size", &IndexAdd::size, "entries of y along dim"}};
  static constexpr Inputs kInputs{"x", "index"};
  static constexpr Saves kSaves = Saves::inputs(1);
  static constexpr OnnxRow kOnnx = OnnxRow::op("ScatterElements");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

Tensor index_select(Operand x, Operand index, int dim = 0);
Tensor index_add(Operand x, Operand index, std::int64_t size, int dim = 0);

}  // namespace catena
