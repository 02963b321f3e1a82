// Rows of a table looked up by number.
#pragma once

#include <optional>
#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// table [n, width], index of any shape, int32 or int64, with 0 <= index < n. The gradient adds rows
// in the order of the index, so it is the same for any number of threads; row padding_idx gets
// none.
struct Embedding {
  std::int64_t padding_idx = -1;
  static constexpr const char* kFormula = "y[.., k] = table[index[..], k]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"padding_idx", &Embedding::padding_idx, "row without a gradient; -1: none"}};
  static constexpr Inputs kInputs{"table", "index"};
  static constexpr Saves kSaves = Saves::inputs(1);
  static constexpr OnnxRow kOnnx = OnnxRow::op("Gather");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// Rows of `table` [n, width]: the shape of `index` followed by width. The row padding_idx
// (negative: counted from the end) is read like any other and gets no gradient. Errors: an index
// outside [0, n), an index that is not int32 or int64, a padding_idx outside the table.
Tensor embedding(Operand table, Operand index, std::optional<std::int64_t> padding_idx = {});

}  // namespace catena
