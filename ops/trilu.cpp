#include "catena/ops/trilu.hpp"

#include <fmt/format.h>

namespace catena {
namespace op {

void Trilu::infer(InferContext& c) const {
  if (c.rank(0) < 2)
    c.fail(fmt::format("x has shape {}; expected at least two dimensions", to_string(c.shape(0))));
  c.output(c.shape(0), c.dtype(0));
}
void Trilu::vjp(VjpContext& c) const {
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(*this, g));
}

}  // namespace op

Tensor tril(Operand x, std::int64_t diagonal) {
  return detail::call_op(op::Trilu{false, diagonal}, x);
}
Tensor triu(Operand x, std::int64_t diagonal) {
  return detail::call_op(op::Trilu{true, diagonal}, x);
}

}  // namespace catena
