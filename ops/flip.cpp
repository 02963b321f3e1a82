#include "catena/ops/flip.hpp"

#include <fmt/format.h>

#include "catena/ops/shape.hpp"

namespace catena {
namespace op {

void Flip::infer(InferContext& c) const {
  c.dims(dims, c.rank(0));
  c.output(c.shape(0), c.dtype(0));
}
void Flip::vjp(VjpContext& c) const { c.accumulate(0, flip(c.grad(), dims)); }

void Roll::infer(InferContext& c) const {
  if (shifts.rank() != dims.rank())
    c.fail(fmt::format("shifts {} and dims {} differ in length; expected one shift per dimension",
                       to_string(shifts), to_string(dims)));
  if (!dims.empty()) c.dims(dims, c.rank(0));
  c.output(c.shape(0), c.dtype(0));
}
void Roll::vjp(VjpContext& c) const {
  const Shape& shape = c.input_shape(0);
  Shape back = shifts;
  for (int i = 0; i < back.rank(); ++i) {
    const std::int64_t size =
        shape[static_cast<int>(dims[i] < 0 ? dims[i] + shape.rank() : dims[i])];
    back[i] = size == 0 ? 0 : -(back[i] % size);
  }
  c.accumulate(0, roll(c.grad(), back, dims));
}

}  // namespace op

Tensor flip(Operand x, const Shape& dims) { return detail::call_op(op::Flip{dims}, x); }

Tensor roll(Operand x, const Shape& shifts, const Shape& dims) {
  return detail::call_op(op::Roll{shifts, dims}, x);
}
Tensor roll(Operand x, std::int64_t shift, int dim) {
  return detail::call_op(op::Roll{{shift}, {dim}}, x);
}
Tensor roll(Operand x, std::int64_t shift) {
  if (!x.impl()) return detail::call_op(op::Roll{{shift}, {0}}, x);
  const CallSite site(x.location());
  const Tensor given = x.tensor();
  return reshape(roll(reshape(given, {given.numel()}), shift, 0), given.shape());
}

}  // namespace catena
