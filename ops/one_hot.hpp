// Class numbers as vectors of zeros and a one.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// index of any shape, int32 or int64, with 0 <= index < classes; y has one more dimension.
struct OneHot {
  std::int64_t classes = 0;
  DType dtype = kInt64;
  static constexpr const char* kFormula = "y[.., c] = index[..] == c ? 1 : 0";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"classes", &OneHot::classes, "size of the new dimension"},
                                     Attr{"dtype", &OneHot::dtype, "dtype of the result"}};
  static constexpr Inputs kInputs{"index"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("OneHot");
  void infer(InferContext& c) const;
};

}  // namespace op

// [.., classes]: int64 as in PyTorch unless told. The number of classes must be given, as shapes
// never depend on values. Errors: an index outside [0, classes).
Tensor one_hot(Operand index, std::int64_t classes, DType dtype = kInt64);

}  // namespace catena
