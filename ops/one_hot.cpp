#include "catena/ops/one_hot.hpp"

#include <fmt/format.h>

namespace catena {
namespace op {

void OneHot::infer(InferContext& c) const {
  c.expect_dtype(0, DTypeSet(kInt32, kInt64), "int32 or int64");
  if (classes < 0) c.fail(fmt::format("classes {}; expected 0 or more", classes));
  if (!kComputeTypes.contains(dtype))
    c.fail(
        fmt::format("dtype {}; expected float32, float64, int32, int64, uint8 or bool; convert "
                    "the result with to(dtype)",
                    name_of(dtype)));
  Shape shape = c.shape(0);
  if (shape.rank() == kMaxRank)
    c.fail(
        fmt::format("index {} has {} dimensions already; expected at most {}; merge some with "
                    "reshape",
                    to_string(shape), kMaxRank, kMaxRank - 1));
  shape.push_back(classes);
  c.output(shape, dtype);
}

}  // namespace op

Tensor one_hot(Operand index, std::int64_t classes, DType dtype) {
  return detail::call_op(op::OneHot{classes, dtype}, index);
}

}  // namespace catena
