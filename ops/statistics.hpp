// Reductions of reals that take more than adding up: variance, norms, log-sum-exp. An empty `dims`
// means all dimensions; keepdim leaves them with size 1.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

#define CATENA_VARIANCE(Struct, saves, onnx, formula)                                             \
  struct Struct {                                                                                 \
    Shape dims;                                                                                   \
    bool keepdim = false;                                                                         \
    double correction = 1;                                                                        \
    static constexpr const char* kFormula = formula;                                              \
    static constexpr std::uint32_t kVersion = 1;                                                  \
    static constexpr std::tuple kAttrs{                                                           \
        Attr{"dims", &Struct::dims, "dimensions; empty: all"},                                    \
        Attr{"keepdim", &Struct::keepdim, "keep the reduced dimensions with size 1"},             \
        Attr{"correction", &Struct::correction, "taken from the number of entries: 1 unbiased"}}; \
    static constexpr Inputs kInputs{"x"};                                                         \
    static constexpr Saves kSaves = saves;                                                        \
    static constexpr OnnxRow kOnnx = OnnxRow::expands(onnx);                                      \
    void infer(InferContext& c) const;                                                            \
    void vjp(VjpContext& c) const;                                                                \
  }
// When there are no more entries than `correction` takes away, the divisor is 0: inf, or NaN where
// all entries are equal. In two passes over each run of entries, runs joined as by Chan, Golub and
// LeVeque (1979).
CATENA_VARIANCE(Var, Saves::inputs(0), "ReduceMean, Sub, Mul, ReduceSum, Div",
                "y = sum (x - mean x)^2 / (n - correction)");
// The gradient where all entries are equal is 0.
CATENA_VARIANCE(Stddev, Saves::inputs(0) | Saves::output(),
                "ReduceMean, Sub, Mul, ReduceSum, Div, Sqrt",
                "y = (sum (x - mean x)^2 / (n - correction))^(1/2)");
#undef CATENA_VARIANCE

// Stable for any finite x; -inf where all entries are, or there are none, with gradient 0.
struct LogSumExp {
  Shape dims;
  bool keepdim = false;
  static constexpr const char* kFormula = "y = log sum e^x";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"dims", &LogSumExp::dims, "dimensions; empty: all"},
      Attr{"keepdim", &LogSumExp::keepdim, "keep the reduced dimensions with size 1"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::inputs(0) | Saves::output();
  static constexpr OnnxRow kOnnx = OnnxRow::op("ReduceLogSumExp");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The p-norm; p = inf is the largest size, -inf the smallest, 0 the number of entries other than 0.
// The gradient is 0 where the norm is, and at entries that are 0.
struct Norm {
  double p = 2;
  Shape dims;
  bool keepdim = false;
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula = "y = (sum |x|^p)^(1/p)";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"p", &Norm::p, "the order; inf: the largest size"},
      Attr{"dims", &Norm::dims, "dimensions; empty: all"},
      Attr{"keepdim", &Norm::keepdim, "keep the reduced dimensions with size 1"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("ReduceL1 or ReduceL2, else Abs, Pow, ReduceSum");
  Tensor compose(std::span<const Tensor> in) const;
};

}  // namespace op

// Along `dims` (all when empty; negative ones count from the end), floating dtypes. Errors: x is
// not floating; a dimension out of range or named twice; a norm of order inf or -inf of nothing.
Tensor var(Operand x, const Shape& dims = {}, bool keepdim = false, double correction = 1);
Tensor stddev(Operand x, const Shape& dims = {}, bool keepdim = false, double correction = 1);
Tensor logsumexp(Operand x, const Shape& dims = {}, bool keepdim = false);
Tensor norm(Operand x, double p = 2, const Shape& dims = {}, bool keepdim = false);

}  // namespace catena
