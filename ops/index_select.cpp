#include "catena/ops/index_select.hpp"

#include <fmt/format.h>

namespace catena {
namespace op {
namespace {

inline constexpr DTypeSet kIndexTypes{kInt32, kInt64};

// The dimension of x that `index` speaks of.
int checked_dim(InferContext& c, std::int64_t dim) {
  if (c.rank(0) == 0) c.fail("x is 0-d; expected at least one dimension");
  if (c.rank(1) != 1)
    c.fail(fmt::format("index has shape {}; expected a vector; flatten() it first",
                       to_string(c.shape(1))));
  c.expect_dtype(1, kIndexTypes, "int32 or int64");
  return c.dim(dim, c.rank(0));
}

}  // namespace

void IndexSelect::infer(InferContext& c) const {
  const int d = checked_dim(c, dim);
  Shape shape = c.shape(0);
  shape[d] = c.shape(1)[0];
  c.output(shape, c.dtype(0));
}
void IndexSelect::vjp(VjpContext& c) const {
  const Shape& shape = c.input_shape(0);
  const int d = static_cast<int>(dim < 0 ? dim + shape.rank() : dim);
  c.accumulate(0, index_add(c.grad(), c.input(1), shape[d], d));
}

void IndexAdd::infer(InferContext& c) const {
  const int d = checked_dim(c, dim);
  if (c.shape(0)[d] != c.shape(1)[0])
    c.fail(fmt::format("x {} has {} entries in dimension {}, index has {}; expected equal",
                       to_string(c.shape(0)), c.shape(0)[d], d, c.shape(1)[0]));
  if (size < 0) c.fail(fmt::format("size {}; expected 0 or more", size));
  Shape shape = c.shape(0);
  shape[d] = size;
  c.output(shape, c.dtype(0));
}
void IndexAdd::vjp(VjpContext& c) const {
  c.accumulate(0, index_select(c.grad(), c.input(1), static_cast<int>(dim)));
}

}  // namespace op

Tensor index_select(Operand x, Operand index, int dim) {
  return detail::call_op(op::IndexSelect{dim}, x, index);
}
Tensor index_add(Operand x, Operand index, std::int64_t size, int dim) {
  return detail::call_op(op::IndexAdd{dim, size}, x, index);
}

}  // namespace catena
