#include "catena/ops/cast.hpp"

namespace catena {
namespace op {

void Cast::infer(InferContext& c) const { c.output(c.shape(0), dtype); }
void Cast::vjp(VjpContext& c) const { c.accumulate(0, cast(c.grad(), c.input_dtype(0))); }

void Clone::infer(InferContext& c) const { c.output(c.shape(0), c.dtype(0)); }
void Clone::vjp(VjpContext& c) const { c.accumulate(0, c.grad()); }

}  // namespace op

Tensor cast(Operand x, DType dtype) {
  if (x.impl() && x.impl()->dtype == dtype) return x.tensor();
  return detail::call_op(op::Cast{dtype}, x);
}

Tensor clone(Operand x) { return detail::call_op(op::Clone{}, x); }

Tensor contiguous(Operand x) {
  if (x.impl() && x.impl()->contiguous) return x.tensor();
  return detail::call_op(op::Clone{}, x);
}

Tensor Tensor::to(DType dtype, Location loc) const {
  return catena::cast(Operand(*this, loc), dtype);
}
Tensor Tensor::clone(Location loc) const { return catena::clone(Operand(*this, loc)); }
Tensor Tensor::contiguous(Location loc) const { return catena::contiguous(Operand(*this, loc)); }

}  // namespace catena
