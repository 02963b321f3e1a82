// Reductions over dimensions. An empty `dims` means all of them; keepdim leaves them with size 1.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

#include <optional>

namespace catena {
namespace op {

#define CATENA_REDUCTION(Struct, saves, onnx, formula)                                       \
  struct Struct {                                                                            \
    Shape dims;                                                                              \
    bool keepdim = false;                                                                    \
    static constexpr const char* kFormula = formula;                                         \
    static constexpr std::uint32_t kVersion = 1;                                             \
    static constexpr std::tuple kAttrs{Attr{"dims", &Struct::dims, "dimensions; empty: all"}, \
                                       Attr{"keepdim", &Struct::keepdim,                     \
                                            "keep the reduced dimensions with size 1"}};     \
    static constexpr Inputs kInputs{"x"};                                                    \
    static constexpr Saves kSaves = saves;                                                   \
    static constexpr OnnxRow kOnnx = onnx;                                                   \
    void infer(InferContext& c) const;                                                       \
    void vjp(VjpContext& c) const;                                                           \
  }

// Integers and bool give int64. An empty sum is 0.
CATENA_REDUCTION(Sum, Saves::nothing(), OnnxRow::op("ReduceSum"), "y = sum x");
// Floating dtypes. An empty mean is NaN.
CATENA_REDUCTION(Mean, Saves::nothing(), OnnxRow::op("ReduceMean"), "y = (1 / n) sum x");
// Ties share the gradient evenly. NaN wins. An empty maximum is an error.
CATENA_REDUCTION(Max, Saves::inputs(0) | Saves::output(), OnnxRow::op("ReduceMax"), "y = max x");
#undef CATENA_REDUCTION

// The number of the first largest entry along `dim` (int64); NaN counts as largest.
struct Argmax {
  std::int64_t dim = -1;
  bool keepdim = false;
  static constexpr const char* kFormula = "y = first i with x[i] = max x";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"dim", &Argmax::dim, "dimension searched"},
                                     Attr{"keepdim", &Argmax::keepdim, "keep it with size 1"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("ArgMax");
  void infer(InferContext& c) const;
};

}  // namespace op

// The sum, mean or largest of the entries along `dims` (all when empty; negative ones count from the
// end). float32 sums are gathered in float64. Errors: a dimension out of range or named twice; mean
// of integers; max of nothing.
Tensor sum(Operand x, const Shape& dims = {}, bool keepdim = false);
Tensor mean(Operand x, const Shape& dims = {}, bool keepdim = false);
Tensor max(Operand x, const Shape& dims = {}, bool keepdim = false);
// Where the first largest entry along `dim` is; without a dimension, of the flattened tensor.
Tensor argmax(Operand x, std::optional<int> dim = {}, bool keepdim = false);
// x summed to `shape`, the inverse of broadcasting; what the engine does to gradients. Errors: a
// shape that does not broadcast to that of x.
Tensor sum_to(Operand x, const Shape& shape);

}  // namespace catena
