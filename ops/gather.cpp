#include "catena/ops/gather.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catena/graph/scalar_range.hpp"
#include "catena/ops/creation.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"

namespace catena {
namespace op {
namespace {

// The checks that all share; `dim` counted from the front.
int checked_dim(InferContext& c, std::int64_t dim) {
  const Shape &x = c.shape(0), &index = c.shape(1);
  if (x.empty()) c.fail("x is 0-d; expected at least one dimension");
  if (index.rank() != x.rank())
    c.fail(fmt::format("numbers of dimensions differ: x {} has {}, index {} has {}; expected equal",
                       to_string(x), x.rank(), to_string(index), index.rank()));
  c.expect_dtype(1, DTypeSet(kInt32, kInt64), "int32 or int64");
  const int d = c.dim(dim, x.rank());
  for (int k = 0; k < x.rank(); ++k)
    if (k != d && index[k] > x[k])
      c.fail(
          fmt::format("index {} has {} entries in dimension {}, x {} has {}; expected at most "
                      "as many in all dimensions but {}; take_along_dim broadcasts",
                      to_string(index), index[k], k, to_string(x), x[k], d));
  return d;
}

void infer_scatter(InferContext& c, std::int64_t dim) {
  checked_dim(c, dim);
  if (c.shape(2) != c.shape(1))
    c.fail(fmt::format("src has shape {}, index {}; expected equal shapes", to_string(c.shape(2)),
                       to_string(c.shape(1))));
  if (c.dtype(2) != c.dtype(0))
    c.fail(fmt::format("dtypes differ: x {}, src {}; expected equal; convert one with to(dtype)",
                       name_of(c.dtype(0)), name_of(c.dtype(2))));
  c.output(c.shape(0), c.dtype(0));
}

}  // namespace

void Gather::infer(InferContext& c) const {
  checked_dim(c, dim);
  c.output(c.shape(1), c.dtype(0));
}
void Gather::vjp(VjpContext& c) const {
  const Tensor g = c.grad();
  const Tensor nothing = zeros(c.input_shape(0), {g.dtype(), g.device()});
  c.accumulate(0, scatter_add(nothing, static_cast<int>(dim), c.input(1), g));
}

void Scatter::infer(InferContext& c) const { infer_scatter(c, dim); }
void Scatter::vjp(VjpContext& c) const {
  const Tensor g = c.grad(), index = c.input(1);
  const int d = static_cast<int>(dim);
  if (c.needs(0)) c.accumulate(0, scatter(g, d, index, 0));
  if (!c.needs(2)) return;
  // An entry of src stayed where its own number is found again.
  const Tensor number =
      reshape(arange(index.numel(), TensorOptions(kInt64, index.device())), index.shape());
  const Tensor last = scatter(zeros(g.shape(), {kInt64, g.device()}), d, index, number);
  const Tensor stayed = equal(gather(last, d, index), number);
  c.accumulate(2, where(stayed, gather(g, d, index), 0));
}

void ScatterAdd::infer(InferContext& c) const { infer_scatter(c, dim); }
void ScatterAdd::vjp(VjpContext& c) const {
  if (c.needs(0)) c.accumulate(0, c.grad());
  if (c.needs(2)) c.accumulate(2, gather(c.grad(), static_cast<int>(dim), c.input(1)));
}

}  // namespace op

namespace {

// The part of src that index reaches; src itself when that is all of it or none fits.
template <class Op>
Tensor scattered(const Op& op, Operand& x, Operand& index, Operand& src) {
  const detail::TensorImpl *i = index.impl(), *s = src.impl();
  bool larger = false;
  if (i && s && i->shape.rank() == s->shape.rank() && i->shape != s->shape) {
    larger = true;
    for (int d = 0; d < i->shape.rank(); ++d) larger = larger && s->shape[d] >= i->shape[d];
  }
  if (!larger) return detail::call_op(op, x, index, src);
  const int rank = i->shape.rank();
  Operand part(
      detail::call_op(op::Slice{Shape::filled(rank, 0), i->shape, Shape::filled(rank, 1)}, src),
      x.location());
  return detail::call_op(op, x, index, part);
}

}  // namespace

Tensor gather(Operand x, int dim, Operand index) {
  return detail::call_op(op::Gather{dim}, x, index);
}
Tensor scatter(Operand x, int dim, Operand index, Operand src) {
  return scattered(op::Scatter{dim}, x, index, src);
}
Tensor scatter(Operand x, int dim, Operand index, Scalar value) {
  const detail::TensorImpl *t = x.impl(), *i = index.impl();
  if (!t || !i) {
    Operand nothing(Tensor(), x.location());
    return detail::call_op(op::Scatter{dim}, x, index, nothing);
  }
  if (value.is_real() && !is_floating(t->dtype))
    throw_argument(OpName<op::Scatter>::value,
                   fmt::format("value {} for x of dtype {}; expected an integer; convert x with "
                               "to(dtype)",
                               value.real(), name_of(t->dtype)),
                   x.location());
  detail::check_holds(OpName<op::Scatter>::value, t->dtype, value, x.location());
  Operand src(full(i->shape, value, {t->dtype, t->device}), x.location());
  return detail::call_op(op::Scatter{dim}, x, index, src);
}
Tensor scatter_add(Operand x, int dim, Operand index, Operand src) {
  return scattered(op::ScatterAdd{dim}, x, index, src);
}

Tensor take_along_dim(Operand x, Operand index, std::optional<int> dim) {
  if (!x.impl() || !index.impl())
    throw_argument("take_along_dim", "an operand is an undefined tensor; give it a value first",
                   x.location());
  const CallSite site(x.location());
  const Tensor values = x.tensor(), places = index.tensor();
  if (!dim) return gather(reshape(values, {-1}), 0, reshape(places, {-1}));
  const int rank = values.rank();
  if (places.rank() != rank || *dim < -rank || *dim >= rank)
    throw_argument("take_along_dim",
                   fmt::format("x {}, index {}, dim {}; expected equal numbers of dimensions, and "
                               "one of them",
                               to_string(values.shape()), to_string(places.shape()), *dim),
                   x.location());
  const int d = *dim < 0 ? *dim + rank : *dim;
  Shape from = values.shape(), to = places.shape(), joined;
  from[d] = to[d] = 1;
  if (!broadcast_shapes(from, to, &joined))
    throw_argument("take_along_dim",
                   fmt::format("x {} and index {} do not broadcast in the dimensions besides {}; "
                               "expected sizes that are equal or 1",
                               to_string(values.shape()), to_string(places.shape()), d),
                   x.location());
  from = to = joined;
  from[d] = values.shape()[d];
  to[d] = places.shape()[d];
  return gather(from == values.shape() ? values : expand(values, from), d,
                to == places.shape() ? places : expand(places, to));
}

}  // namespace catena
