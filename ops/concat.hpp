// Joining tensors along a dimension.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

#include <span>

namespace catena {
namespace op {

// Inputs of equal dtype whose shapes differ in `dim` only, one after the other.
struct Concat {
  std::int64_t dim = 0;
  static constexpr const char* kFormula = "y = x0, x1, ... along dim";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"dim", &Concat::dim, "dimension that grows"}};
  static constexpr Inputs kInputs{"x..."};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Concat");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

Tensor concat(std::span<const Tensor> tensors, int dim = 0,
              std::source_location loc = std::source_location::current());
Tensor concat(std::initializer_list<Tensor> tensors, int dim = 0,
              std::source_location loc = std::source_location::current());
// Along a new dimension.
Tensor stack(std::span<const Tensor> tensors, int dim = 0,
             std::source_location loc = std::source_location::current());
Tensor stack(std::initializer_list<Tensor> tensors, int dim = 0,
             std::source_location loc = std::source_location::current());

}  // namespace catena
