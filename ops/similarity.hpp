// How alike two vectors are, and the loss made of it.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

#include <string>

#include "catena/ops/loss_reduction.hpp"

namespace catena {
namespace op {

// The cosine of the angle between a and b along `dim`; shapes broadcast.
struct CosineSimilarity {
  std::int64_t dim = 1;
  double eps = 1e-8;
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula = "y = sum(a b) / (max(|a|, eps) max(|b|, eps))";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"dim", &CosineSimilarity::dim, "dimension of the vectors"},
      Attr{"eps", &CosineSimilarity::eps, "the least length divided by"}};
  static constexpr Inputs kInputs{"a", "b"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Mul, ReduceSum, ReduceL2, Max, Div");
  Tensor compose(std::span<const Tensor> in) const;
};

// Of pairs of vectors [N, D] with targets [N], or [D] with a 0-d one: 1 pulls them together, -1
// pushes their cosine below the margin; any other target gives 0. As in PyTorch 1e-12 is added to
// the squared lengths.
struct CosineEmbeddingLoss {
  std::string reduction = "mean";
  double margin = 0;
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula =
      "y = mean(1 - cos(a, b) if target = 1, max(0, cos(a, b) - margin) if target = -1)";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"reduction", &CosineEmbeddingLoss::reduction, kReductionDoc},
      Attr{"margin", &CosineEmbeddingLoss::margin, "the cosine allowed to pairs to push apart"}};
  static constexpr Inputs kInputs{"a", "b", "target"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("Mul, ReduceSum, Sqrt, Div, Equal, Where, Relu, ReduceMean");
  Tensor compose(std::span<const Tensor> in) const;
};

}  // namespace op

// Errors: a or b not floating; shapes that do not broadcast; dim out of range.
Tensor cosine_similarity(Operand a, Operand b, int dim = 1, double eps = 1e-8);
// Errors: shapes other than [N, D], [N, D], [N] or [D], [D], []; a or b not floating.
Tensor cosine_embedding_loss(Operand a, Operand b, Operand target,
                             Reduction reduction = Reduction::kMean, double margin = 0);

}  // namespace catena
