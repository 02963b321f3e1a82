// Conversion of dtype, and a recorded copy.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// y = dtype(x), for all thirteen dtypes. Reals to integers round towards zero; to bool: x != 0.
// The gradient is converted back.
struct Cast {
  DType dtype = kFloat32;
  static constexpr const char* kFormula = "y = dtype(x)";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"dtype", &Cast::dtype, "dtype of the result"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Cast");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// y = x in new row-major memory.
struct Clone {
  static constexpr const char* kFormula = "y = x";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple<> kAttrs{};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Identity");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// x itself when it has that dtype already.
Tensor cast(Operand x, DType dtype);
Tensor clone(Operand x);
// x itself when it is row-major already, else a copy that is.
Tensor contiguous(Operand x);

}  // namespace catena
