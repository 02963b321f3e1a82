// Shape rules, gradients and public functions of the reductions.
#include "catena/ops/reduction.hpp"

#include "catena/ops/cast.hpp"
#include "catena/ops/composite.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/reduced_shape.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"

namespace catena {
namespace {

// The product of the other entries of the same row, x [rows, n]. Without a division, so that zeros
// do no harm: of pairs first, then each times its neighbour.
Tensor products_of_others(const Tensor& x) {
  const std::int64_t rows = x.shape()[0], n = x.shape()[1];
  const auto unit = [&](std::int64_t columns) {
    return ones({rows, columns}, {x.dtype(), x.device()});
  };
  if (n <= 1) return unit(n);
  const std::int64_t pairs = (n + 1) / 2;
  const Tensor all = reshape(n % 2 ? concat({x, unit(1)}, 1) : x, {rows, pairs, 2});
  const Tensor first = slice(all, 2, 0, 1), second = slice(all, 2, 1, 2);
  const Tensor others = products_of_others(reshape(first * second, {rows, pairs}));
  const Tensor result = reshape(others, {rows, pairs, 1}) * concat({second, first}, 2);
  return slice(reshape(result, {rows, 2 * pairs}), 1, 0, n);
}

[[noreturn]] void fail_empty(const InferContext& c, const char* what, std::int64_t dim) {
  c.fail(
      fmt::format("no elements to take the {} of: x has shape {} and dimension {} is reduced; "
                  "expected at least one entry along each reduced dimension",
                  what, to_string(c.shape(0)), dim));
}

void infer_extreme(InferContext& c, const Shape& dims, bool keepdim, const char* what) {
  const Shape over = c.dims(dims, c.rank(0));
  for (std::int64_t d : over)
    if (c.shape(0)[static_cast<int>(d)] == 0) fail_empty(c, what, d);
  c.output(detail::reduced_shape(c.shape(0), over, keepdim), c.dtype(0));
}

// Entries equal to the extreme share its gradient evenly.
void share_among_ties(VjpContext& c, const Shape& dims, bool keepdim) {
  const Tensor x = c.input(0);
  const Shape& in = x.shape();
  const Shape over = detail::resolved_dims(dims, in.rank());
  const Tensor y = detail::aligned(c.output(), in, over, keepdim);
  const Tensor is_extreme = cast(equal(x, y), x.dtype());
  const Tensor share = detail::aligned(c.grad(), in, over, keepdim) / sum(is_extreme, over, true);
  c.accumulate(0, is_extreme * share);
}

void infer_search(InferContext& c, std::int64_t dim, bool keepdim) {
  const Shape& in = c.shape(0);
  if (in.rank() == 0)
    c.fail("x is 0-d and has no dimension to search; expected one or more dimensions");
  const int d = c.dim(dim, in.rank());
  if (in[d] == 0)
    c.fail(
        fmt::format("no elements to search: x has shape {} and dimension {} is empty; expected "
                    "at least one entry",
                    to_string(in), d));
  c.output(detail::reduced_shape(in, Shape{d}, keepdim), kInt64);
}

template <class Op>
Tensor search(Operand& x, std::optional<int> dim, bool keepdim) {
  if (dim) return detail::call_op(Op{*dim, keepdim}, x);
  const CallSite site(x.location());
  const int rank = x.impl()->shape.rank();
  Operand flat(reshape(x.tensor(), {-1}), x.location());
  const Tensor found = detail::call_op(Op{0}, flat);
  return keepdim ? reshape(found, Shape::filled(rank, 1)) : found;
}

}  // namespace

namespace op {

using detail::aligned;
using detail::reduced_count;
using detail::reduced_last;
using detail::reduced_shape;
using detail::resolved_dims;

void Sum::infer(InferContext& c) const {
  const Shape over = c.dims(dims, c.rank(0));
  c.output(reduced_shape(c.shape(0), over, keepdim), is_floating(c.dtype(0)) ? c.dtype(0) : kInt64);
}

void Sum::vjp(VjpContext& c) const {
  const Shape& in = c.input_shape(0);
  c.accumulate(0, expand(aligned(c.grad(), in, resolved_dims(dims, in.rank()), keepdim), in));
}

void Mean::infer(InferContext& c) const {
  if (!is_floating(c.dtype(0))) c.fail(detail::not_floating("x", c.dtype(0)));
  const Shape over = c.dims(dims, c.rank(0));
  c.output(reduced_shape(c.shape(0), over, keepdim), c.dtype(0));
}

void Mean::vjp(VjpContext& c) const {
  const Shape& in = c.input_shape(0);
  const Shape over = resolved_dims(dims, in.rank());
  const double n = static_cast<double>(reduced_count(in, over));
  // Divided while it is small, then seen at full size without a copy.
  c.accumulate(0, expand(aligned(c.grad() / n, in, over, keepdim), in));
}

void Prod::infer(InferContext& c) const {
  const Shape over = c.dims(dims, c.rank(0));
  c.output(reduced_shape(c.shape(0), over, keepdim), is_floating(c.dtype(0)) ? c.dtype(0) : kInt64);
}

// The reduced dimensions are brought together, last, and back.
void Prod::vjp(VjpContext& c) const {
  const Tensor x = c.input(0);
  const Shape& in = x.shape();
  const Shape over = resolved_dims(dims, in.rank());
  const Shape order = reduced_last(over, in.rank());
  Shape back = order;
  for (int d = 0; d < in.rank(); ++d) back[static_cast<int>(order[d])] = d;
  const Tensor sorted = permute(x, order);
  const std::int64_t n = reduced_count(in, over);
  const std::int64_t rows = n ? in.numel() / n : 0;
  const Tensor others = products_of_others(reshape(sorted, {rows, n}));
  c.accumulate(
      0, permute(reshape(others, sorted.shape()), back) * aligned(c.grad(), in, over, keepdim));
}

void Max::infer(InferContext& c) const { infer_extreme(c, dims, keepdim, "maximum"); }
void Max::vjp(VjpContext& c) const { share_among_ties(c, dims, keepdim); }
void Min::infer(InferContext& c) const { infer_extreme(c, dims, keepdim, "minimum"); }
void Min::vjp(VjpContext& c) const { share_among_ties(c, dims, keepdim); }

void Any::infer(InferContext& c) const {
  c.output(reduced_shape(c.shape(0), c.dims(dims, c.rank(0)), keepdim), kBool);
}
void All::infer(InferContext& c) const {
  c.output(reduced_shape(c.shape(0), c.dims(dims, c.rank(0)), keepdim), kBool);
}

void Argmax::infer(InferContext& c) const { infer_search(c, dim, keepdim); }
void Argmin::infer(InferContext& c) const { infer_search(c, dim, keepdim); }

}  // namespace op

Tensor sum(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::Sum{dims, keepdim}, x);
}

Tensor mean(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::Mean{dims, keepdim}, x);
}

Tensor prod(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::Prod{dims, keepdim}, x);
}

Tensor max(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::Max{dims, keepdim}, x);
}

Tensor min(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::Min{dims, keepdim}, x);
}

Tensor any(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::Any{dims, keepdim}, x);
}

Tensor all(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::All{dims, keepdim}, x);
}

Tensor argmax(Operand x, std::optional<int> dim, bool keepdim) {
  return search<op::Argmax>(x, dim, keepdim);
}

Tensor argmin(Operand x, std::optional<int> dim, bool keepdim) {
  return search<op::Argmin>(x, dim, keepdim);
}

Tensor sum_to(Operand x, const Shape& shape) {
  const Shape& in = x.impl()->shape;
  if (in == shape) return x.tensor();
  const int lead = in.rank() - shape.rank();
  bool fits = lead >= 0, stretched = false;
  Shape dims;
  for (int d = 0; d < in.rank() && fits; ++d) {
    if (d < lead) {
      dims.push_back(d);
    } else if (shape[d - lead] != in[d]) {
      fits = shape[d - lead] == 1;
      stretched = true;
      dims.push_back(d);
    }
  }
  if (!fits)
    throw_argument("sum_to",
                   fmt::format("x has shape {}, which {} does not broadcast to; expected a shape "
                               "whose sizes are 1 or those of x, counted from the last dimension",
                               to_string(in), to_string(shape)),
                   x.location());
  if (!stretched) return detail::call_op(op::Sum{dims, false}, x);
  const CallSite site(x.location());
  const Tensor summed = detail::call_op(op::Sum{dims, true}, x);
  return lead == 0 ? summed : reshape(summed, shape);
}

Tensor Tensor::sum(const Shape& dims, bool keepdim, Location loc) const& {
  return catena::sum(Operand(*this, loc), dims, keepdim);
}
Tensor Tensor::sum(const Shape& dims, bool keepdim, Location loc) && {
  return catena::sum(Operand(std::move(*this), loc), dims, keepdim);
}
Tensor Tensor::mean(const Shape& dims, bool keepdim, Location loc) const& {
  return catena::mean(Operand(*this, loc), dims, keepdim);
}
Tensor Tensor::mean(const Shape& dims, bool keepdim, Location loc) && {
  return catena::mean(Operand(std::move(*this), loc), dims, keepdim);
}
Tensor Tensor::max(const Shape& dims, bool keepdim, Location loc) const& {
  return catena::max(Operand(*this, loc), dims, keepdim);
}
Tensor Tensor::max(const Shape& dims, bool keepdim, Location loc) && {
  return catena::max(Operand(std::move(*this), loc), dims, keepdim);
}
Tensor Tensor::argmax(std::optional<int> dim, bool keepdim, Location loc) const {
  return catena::argmax(Operand(*this, loc), dim, keepdim);
}

}  // namespace catena
