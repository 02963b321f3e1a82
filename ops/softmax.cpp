// Shape rules, gradients and public functions of softmax and its logarithm.
#include "catena/ops/softmax.hpp"

#include "catena/ops/composite.hpp"
#include "catena/ops/elementwise.hpp"

namespace catena {
namespace {

void infer_softmax(InferContext& c, std::int64_t dim) {
  if (!is_floating(c.dtype(0))) c.fail(detail::not_floating("x", c.dtype(0)));
  if (c.rank(0) == 0)
    c.fail("x is 0-d and has no dimension to normalise; expected one or more dimensions");
  c.dim(dim, c.rank(0));
  c.output(c.shape(0), c.dtype(0));
}

}  // namespace

namespace op {

void Softmax::infer(InferContext& c) const { infer_softmax(c, dim); }

// dx = y (g - sum(g y))
void Softmax::vjp(VjpContext& c) const {
  const Tensor y = c.output();
  const Tensor gy = c.grad() * y;
  c.accumulate(0, gy - y * sum(gy, {dim}, true));
}

void LogSoftmax::infer(InferContext& c) const { infer_softmax(c, dim); }

// dx = g - e^y sum(g)
void LogSoftmax::vjp(VjpContext& c) const {
  const Tensor g = c.grad();
  c.accumulate(0, g - exp(c.output()) * sum(g, {dim}, true));
}

}  // namespace op

Tensor softmax(Operand x, int dim) { return detail::call_op(op::Softmax{dim}, x); }

Tensor log_softmax(Operand x, int dim) { return detail::call_op(op::LogSoftmax{dim}, x); }

}  // namespace catena
