// Triangles of matrices.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// The last two dimensions are matrices; entries outside of the triangle become 0.
struct Trilu {
  bool upper = true;
  std::int64_t diagonal = 0;
  static constexpr const char* kFormula =
      "y[.., i, j] = (upper ? j - i >= diagonal : j - i <= diagonal) ? x[.., i, j] : 0";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"upper", &Trilu::upper, "the upper triangle, else the lower"},
      Attr{"diagonal", &Trilu::diagonal, "its last diagonal; 0: the main one, > 0: above"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Trilu");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// The lower (tril) or upper (triu) triangle of matrices [.., rows, columns] with the given diagonal
// as its edge, zeros elsewhere. Errors: fewer than two dimensions.
Tensor tril(Operand x, std::int64_t diagonal = 0);
Tensor triu(Operand x, std::int64_t diagonal = 0);

}  // namespace catena
