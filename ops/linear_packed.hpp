// A fully connected layer whose weight lies in the order the product reads it.
#pragma once

#include <cstdint>
#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {

// Rows of a weight that lie together in a packed one.
inline constexpr std::int64_t kPackedRows = 48;

namespace op {

// x [.., k], packed [ceil(n / 48), k, 48], bias [n] or none, y [.., n]; packed[p, k, i] is
// weight[48 p + i, k], or anything where there is no such row. float32 or float64, equal dtypes.
struct LinearPacked {
  std::int64_t out_features = 0;
  static constexpr const char* kFormula =
      "y[.., i] = sum_k x[.., k] packed[i / 48, k, i mod 48] + bias[i]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"out_features", &LinearPacked::out_features, "rows of the weight, n"}};
  static constexpr Inputs kInputs{"x", "packed", "bias?"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("Transpose and Reshape of packed, Slice, MatMul and Add");
  void infer(InferContext& c) const;
};

}  // namespace op

// weight [n, k] as linear_packed reads it: [ceil(n / 48), k, 48].
Tensor pack_weight(const Tensor& weight,
                   std::source_location loc = std::source_location::current());
// linear(x, weight, bias) of the weight [out_features, k] that `packed` was made of, without
// gradients. The last bits differ from linear's, and do not depend on the number of rows of x.
Tensor linear_packed(Operand x, const Tensor& packed, std::int64_t out_features,
                     const Tensor& bias = {});

}  // namespace catena
