// Softmax and its logarithm along one dimension.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

#define CATENA_SOFTMAX(Struct, onnx, formula)                                              \
  struct Struct {                                                                          \
    std::int64_t dim = -1;                                                                 \
    static constexpr const char* kFormula = formula;                                       \
    static constexpr std::uint32_t kVersion = 1;                                           \
    static constexpr std::tuple kAttrs{                                                    \
        Attr{"dim", &Struct::dim, "dimension that sums to one; negative: from the end"}};  \
    static constexpr Inputs kInputs{"x"};                                                  \
    static constexpr Saves kSaves = Saves::output();                                       \
    static constexpr OnnxRow kOnnx = OnnxRow::op(onnx);                                    \
    void infer(InferContext& c) const;                                                     \
    void vjp(VjpContext& c) const;                                                         \
  }
// Computed with the maximum subtracted: no overflow for any finite x.
CATENA_SOFTMAX(Softmax, "Softmax", "y = exp(x - max x) / sum exp(x - max x)");
CATENA_SOFTMAX(LogSoftmax, "LogSoftmax", "y = x - max x - log sum exp(x - max x)");
#undef CATENA_SOFTMAX

}  // namespace op

// Along `dim`, shape and dtype of x. Errors: x is not floating or 0-d; dim out of range.
Tensor softmax(Operand x, int dim = -1);
Tensor log_softmax(Operand x, int dim = -1);

}  // namespace catena
