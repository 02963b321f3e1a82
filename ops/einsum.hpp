// Sums of products written with letters.
#pragma once

#include <initializer_list>
#include <source_location>
#include <span>
#include <string>
#include <string_view>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// "ij,jk->ik": a letter per dimension of each tensor; equal letters run together, those that are
// not in the result are summed. Tensors are joined from left to right, each pair as one batched
// matrix product (a pointwise one where nothing is summed).
struct Einsum {
  std::string equation;
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula = "y[out] = sum_rest x0[..] x1[..] ..";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"equation", &Einsum::equation, "such as \"bij,bjk->bik\""}};
  static constexpr Inputs kInputs{"x..."};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Transpose, Reshape, MatMul");
  Tensor compose(std::span<const Tensor> in) const;
};

}  // namespace op

// NumPy's and PyTorch's einsum. Letters a-z and A-Z; "..." stands for the dimensions without
// letters, which broadcast, and so do dimensions of size 1; a letter twice in one tensor is its
// diagonal. Without "->" the result has "..." and then the letters that come once, capitals first,
// in the order of the alphabet. Tensors have equal dtypes; products of integers are not done as
// matrix products and need the memory of the whole pairwise product. Errors, with the letter and
// its position: letters and dimensions that do not match, sizes that differ, a result letter that
// no tensor has or that comes twice.
Tensor einsum(std::string_view equation, std::span<const Tensor> tensors,
              std::source_location loc = std::source_location::current());
Tensor einsum(std::string_view equation, std::initializer_list<Tensor> tensors,
              std::source_location loc = std::source_location::current());

}  // namespace catena
