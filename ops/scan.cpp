#include "catena/ops/scan.hpp"

namespace catena {
namespace op {

void CumSum::infer(InferContext& c) const {
  if (c.rank(0) == 0)
    c.fail("x is 0-d and has no dimension to add along; expected one or more dimensions");
  c.dim(dim, c.rank(0));
  c.output(c.shape(0), is_floating(c.dtype(0)) ? c.dtype(0) : kInt64);
}

// An entry takes part in its own sum and all later ones.
void CumSum::vjp(VjpContext& c) const {
  c.accumulate(0, cumsum(c.grad(), static_cast<int>(dim), !reverse));
}

}  // namespace op

Tensor cumsum(Operand x, int dim, bool reverse) {
  return detail::call_op(op::CumSum{dim, reverse}, x);
}

}  // namespace catena
