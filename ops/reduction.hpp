// Reductions over dimensions. An empty `dims` means all of them; keepdim leaves them with size 1.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

#include <optional>

namespace catena {
namespace op {

// `...`: what the struct declares beside its shape rule.
#define CATENA_REDUCTION(Struct, saves, onnx, formula, ...)                            \
  struct Struct {                                                                      \
    Shape dims;                                                                        \
    bool keepdim = false;                                                              \
    static constexpr const char* kFormula = formula;                                   \
    static constexpr std::uint32_t kVersion = 1;                                       \
    static constexpr std::tuple kAttrs{                                                \
        Attr{"dims", &Struct::dims, "dimensions; empty: all"},                         \
        Attr{"keepdim", &Struct::keepdim, "keep the reduced dimensions with size 1"}}; \
    static constexpr Inputs kInputs{"x"};                                              \
    static constexpr Saves kSaves = saves;                                             \
    static constexpr OnnxRow kOnnx = onnx;                                             \
    void infer(InferContext& c) const;                                                 \
    __VA_ARGS__                                                                        \
  }
#define CATENA_VJP void vjp(VjpContext& c) const;

// Integers and bool give int64. An empty sum is 0.
CATENA_REDUCTION(Sum, Saves::nothing(), OnnxRow::op("ReduceSum"), "y = sum x", CATENA_VJP);
// Floating dtypes. An empty mean is NaN.
CATENA_REDUCTION(Mean, Saves::nothing(), OnnxRow::op("ReduceMean"), "y = (1 / n) sum x",
                 CATENA_VJP);
// Integers and bool give int64. An empty product is 1. The gradient holds with zeros too.
CATENA_REDUCTION(Prod, Saves::inputs(0), OnnxRow::op("ReduceProd"), "y = prod x", CATENA_VJP);
// Ties share the gradient evenly. NaN wins. An empty extreme is an error.
CATENA_REDUCTION(Max, Saves::inputs(0) | Saves::output(), OnnxRow::op("ReduceMax"), "y = max x",
                 CATENA_VJP);
CATENA_REDUCTION(Min, Saves::inputs(0) | Saves::output(), OnnxRow::op("ReduceMin"), "y = min x",
                 CATENA_VJP);
// Bool: whether any entry, or each, differs from 0 (NaN does). Of nothing: false, and true.
CATENA_REDUCTION(Any, Saves::nothing(), OnnxRow::expands("Cast, ReduceMax, Cast"), "y = or x != 0");
CATENA_REDUCTION(All, Saves::nothing(), OnnxRow::expands("Cast, ReduceMin, Cast"),
                 "y = and x != 0");
#undef CATENA_VJP
#undef CATENA_REDUCTION

#define CATENA_SEARCH(Struct, onnx, formula)                                                      \
  struct Struct {                                                                                 \
    std::int64_t dim = -1;                                                                        \
    bool keepdim = false;                                                                         \
    static constexpr const char* kFormula = formula;                                              \
    static constexpr std::uint32_t kVersion = 1;                                                  \
    static constexpr std::tuple kAttrs{Attr{"dim", &Struct::dim, "dimension searched"},           \
                                       Attr{"keepdim", &Struct::keepdim, "keep it with size 1"}}; \
    static constexpr Inputs kInputs{"x"};                                                         \
    static constexpr Saves kSaves = Saves::nothing();                                             \
    static constexpr OnnxRow kOnnx = OnnxRow::op(onnx);                                           \
    void infer(InferContext& c) const;                                                            \
  }
// The number of the first largest (smallest) entry along `dim` (int64); NaN counts as it.
CATENA_SEARCH(Argmax, "ArgMax", "y = first i with x[i] = max x");
CATENA_SEARCH(Argmin, "ArgMin", "y = first i with x[i] = min x");
#undef CATENA_SEARCH

}  // namespace op

// The sum, mean, product, largest or smallest of the entries along `dims` (all when empty; negative
// ones count from the end). float32 sums are gathered in float64. Errors: a dimension out of range
// or named twice; mean of integers; max or min of nothing.
Tensor sum(Operand x, const Shape& dims = {}, bool keepdim = false);
Tensor mean(Operand x, const Shape& dims = {}, bool keepdim = false);
Tensor prod(Operand x, const Shape& dims = {}, bool keepdim = false);
Tensor max(Operand x, const Shape& dims = {}, bool keepdim = false);
Tensor min(Operand x, const Shape& dims = {}, bool keepdim = false);
// Bool: whether any entry along `dims`, or each, differs from 0.
Tensor any(Operand x, const Shape& dims = {}, bool keepdim = false);
Tensor all(Operand x, const Shape& dims = {}, bool keepdim = false);
// Where the first largest (smallest) entry along `dim` is; without a dimension, of the flattened
// tensor. Errors: nothing to search.
Tensor argmax(Operand x, std::optional<int> dim = {}, bool keepdim = false);
Tensor argmin(Operand x, std::optional<int> dim = {}, bool keepdim = false);
// x summed to `shape`, the inverse of broadcasting; what the engine does to gradients. Errors: a
// shape that does not broadcast to that of x.
Tensor sum_to(Operand x, const Shape& shape);

}  // namespace catena
