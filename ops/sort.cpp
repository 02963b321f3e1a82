#include "catena/ops/sort.hpp"

#include <fmt/format.h>

#include "catena/ops/gather.hpp"

namespace catena {
namespace op {
namespace {

int checked_dim(InferContext& c, std::int64_t dim) {
  if (c.rank(0) == 0)
    c.fail("x is 0-d and has no dimension to sort along; expected one or more dimensions");
  return c.dim(dim, c.rank(0));
}

// Entries were taken at output 1: the gradient goes back there.
void give_back(VjpContext& c, std::int64_t dim) {
  const Tensor g = c.grad();
  const Tensor nothing = zeros(c.input_shape(0), {g.dtype(), g.device()});
  c.accumulate(0, scatter_add(nothing, static_cast<int>(dim), c.output(1), g));
}

}  // namespace

void Sort::infer(InferContext& c) const {
  checked_dim(c, dim);
  c.output(c.shape(0), c.dtype(0));
  c.output(c.shape(0), kInt64);
}
void Sort::vjp(VjpContext& c) const { give_back(c, dim); }

void TopK::infer(InferContext& c) const {
  const int d = checked_dim(c, dim);
  Shape shape = c.shape(0);
  if (k < 0 || k > shape[d])
    c.fail(fmt::format("k = {} for dimension {} of x {}; expected 0 to {}", k, d, to_string(shape),
                       shape[d]));
  shape[d] = k;
  c.output(shape, c.dtype(0));
  c.output(shape, kInt64);
}
void TopK::vjp(VjpContext& c) const { give_back(c, dim); }

}  // namespace op

namespace {
template <class Op>
Sorted pair_of(const Op& op, Operand& x) {
  Operand* list[] = {&x};
  std::vector<Tensor> out = detail::dispatch_multi(op_info<Op>(), &op, list, 1, x.location());
  return {std::move(out[0]), std::move(out[1])};
}
}  // namespace

Sorted sort(Operand x, int dim, bool descending) { return pair_of(op::Sort{dim, descending}, x); }
Tensor argsort(Operand x, int dim, bool descending) {
  return pair_of(op::Sort{dim, descending}, x).indices;
}
Sorted topk(Operand x, std::int64_t k, int dim, bool largest, bool sorted) {
  return pair_of(op::TopK{k, dim, largest, sorted}, x);
}

}  // namespace catena
