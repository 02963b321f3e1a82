// Weights as a length and a direction.
#pragma once

#include <optional>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// v scaled to the lengths g (Salimans and Kingma, 2016). g has the rank of v and is of size 1 along
// all dimensions that a length is over, all but one or all; or it is of rank 0.
struct WeightNorm {
  static constexpr const char* kFormula = "w = g v / (sum v^2)^(1/2)";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple<> kAttrs{};
  static constexpr Inputs kInputs{"v", "g"};
  static constexpr Saves kSaves = Saves::all_inputs();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("ReduceL2, Div, Mul");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// g v / |v|, where |v| are Euclidean lengths as norm_except_dim gives them: over the dimensions
// along which g has size 1, or over all of v when g is of rank 0. Not defined where a length is 0.
// Errors: dtypes not floating or not equal; another shape of g.
Tensor weight_norm(Operand v, Operand g);

// The Euclidean lengths of v over all dimensions but `dim`, which are kept with size 1; of rank 0
// over all of v without one.
Tensor norm_except_dim(Operand v, std::optional<int> dim = 0);

}  // namespace catena
