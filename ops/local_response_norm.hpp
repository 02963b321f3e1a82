// Normalisation across neighbouring channels.
#pragma once

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// x [N, C, ...] divided by a power of the squares around each channel (Krizhevsky, Sutskever and
// Hinton, 2012): `size` channels, size / 2 of them before, those beyond the ends being 0.
struct LocalResponseNorm {
  std::int64_t size = 5;
  double alpha = 1e-4, beta = 0.75, k = 1;
  static constexpr const char* kFormula =
      "y[c] = x[c] / (k + alpha / size sum_j x[j]^2)^beta, c - size/2 <= j <= c + (size-1)/2";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"size", &LocalResponseNorm::size, "channels of a neighbourhood"},
      Attr{"alpha", &LocalResponseNorm::alpha, "of the sum of squares"},
      Attr{"beta", &LocalResponseNorm::beta, "the exponent"},
      Attr{"k", &LocalResponseNorm::k, "added to the sum"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::inputs(0);
  static constexpr OnnxRow kOnnx = OnnxRow::op("LRN");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// x [N, C, ...] divided by (k + alpha m)^beta, m being the mean of the squares of `size`
// neighbouring channels. Errors: x not floating or of less than 3 dimensions; a size below 1.
Tensor local_response_norm(Operand x, std::int64_t size, double alpha = 1e-4, double beta = 0.75,
                           double k = 1);

}  // namespace catena
