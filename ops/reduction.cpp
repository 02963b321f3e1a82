// Shape rules, gradients and public functions of the reductions.
#include "catena/ops/reduction.hpp"

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/shape.hpp"

namespace catena {
namespace {

bool contains(const Shape& dims, int d) {
  for (std::int64_t i : dims)
    if (i == d) return true;
  return false;
}

// `dims` are sorted and not negative.
Shape reduced_shape(const Shape& in, const Shape& dims, bool keepdim) {
  Shape out;
  for (int d = 0; d < in.rank(); ++d) {
    if (!contains(dims, d))
      out.push_back(in[d]);
    else if (keepdim)
      out.push_back(1);
  }
  return out;
}

// Dimensions as stored in a recorded op (already checked): counted from the front, all when empty.
Shape resolved(const Shape& dims, int rank) {
  Shape out;
  for (int d = 0; d < rank; ++d)
    if (dims.empty() || contains(dims, d) || contains(dims, d - rank)) out.push_back(d);
  return out;
}

std::int64_t reduced_count(const Shape& in, const Shape& dims) {
  std::int64_t n = 1;
  for (std::int64_t d : dims) n *= in[static_cast<int>(d)];
  return n;
}

// A reduced value brought to the rank of x, so that it broadcasts against x. When the reduced
// dimensions lead, broadcasting aligns it already.
Tensor aligned(const Tensor& value, const Shape& in, const Shape& dims, bool keepdim) {
  if (keepdim) return value;
  bool leading = true;
  for (int i = 0; i < dims.rank(); ++i) leading = leading && dims[i] == i;
  return leading ? value : reshape(value, reduced_shape(in, dims, true));
}

}  // namespace

namespace op {

void Sum::infer(InferContext& c) const {
  const Shape over = c.dims(dims, c.rank(0));
  c.output(reduced_shape(c.shape(0), over, keepdim), is_floating(c.dtype(0)) ? c.dtype(0) : kInt64);
}

void Sum::vjp(VjpContext& c) const {
  const Shape& in = c.input_shape(0);
  c.accumulate(0, expand(aligned(c.grad(), in, resolved(dims, in.rank()), keepdim), in));
}

void Mean::infer(InferContext& c) const {
  if (!is_floating(c.dtype(0)))
    c.fail(
        fmt::format("x is {}; expected float32 or float64; convert it first, e.g. "
                    "mean(x.to(kFloat32))",
                    name_of(c.dtype(0))));
  const Shape over = c.dims(dims, c.rank(0));
  c.output(reduced_shape(c.shape(0), over, keepdim), c.dtype(0));
}

void Mean::vjp(VjpContext& c) const {
  const Shape& in = c.input_shape(0);
  const Shape over = resolved(dims, in.rank());
  const double n = static_cast<double>(reduced_count(in, over));
  // Divided while it is small, then seen at full size without a copy.
  c.accumulate(0, expand(aligned(c.grad() / n, in, over, keepdim), in));
}

void Max::infer(InferContext& c) const {
  const Shape& in = c.shape(0);
  const Shape over = c.dims(dims, c.rank(0));
  for (std::int64_t d : over)
    if (in[static_cast<int>(d)] == 0)
      c.fail(
          fmt::format("no elements to take the maximum of: x has shape {} and dimension {} is "
                      "reduced; expected at least one entry along each reduced dimension",
                      to_string(in), d));
  c.output(reduced_shape(in, over, keepdim), c.dtype(0));
}

void Max::vjp(VjpContext& c) const {
  const Tensor x = c.input(0);
  const Shape& in = x.shape();
  const Shape over = resolved(dims, in.rank());
  const Tensor y = aligned(c.output(), in, over, keepdim);
  const Tensor is_max = cast(equal(x, y), x.dtype());
  const Tensor share = aligned(c.grad(), in, over, keepdim) / sum(is_max, over, true);
  c.accumulate(0, is_max * share);
}

void Argmax::infer(InferContext& c) const {
  const Shape& in = c.shape(0);
  if (in.rank() == 0)
    c.fail("x is 0-d and has no dimension to search; expected one or more dimensions");
  const int d = c.dim(dim, in.rank());
  if (in[d] == 0)
    c.fail(
        fmt::format("no elements to search: x has shape {} and dimension {} is empty; expected "
                    "at least one entry",
                    to_string(in), d));
  c.output(reduced_shape(in, Shape{d}, keepdim), kInt64);
}

}  // namespace op

Tensor sum(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::Sum{dims, keepdim}, x);
}

Tensor mean(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::Mean{dims, keepdim}, x);
}

Tensor max(Operand x, const Shape& dims, bool keepdim) {
  return detail::call_op(op::Max{dims, keepdim}, x);
}

Tensor argmax(Operand x, std::optional<int> dim, bool keepdim) {
  if (dim) return detail::call_op(op::Argmax{*dim, keepdim}, x);
  const CallSite site(x.location());
  const int rank = x.impl()->shape.rank();
  const Tensor found = argmax(reshape(x.tensor(), {-1}), 0);
  return keepdim ? reshape(found, Shape::filled(rank, 1)) : found;
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

Tensor Tensor::sum(const Shape& dims, bool keepdim, Location loc) const {
  return catena::sum(Operand(*this, loc), dims, keepdim);
}
Tensor Tensor::mean(const Shape& dims, bool keepdim, Location loc) const {
  return catena::mean(Operand(*this, loc), dims, keepdim);
}
Tensor Tensor::max(const Shape& dims, bool keepdim, Location loc) const {
  return catena::max(Operand(*this, loc), dims, keepdim);
}
Tensor Tensor::argmax(std::optional<int> dim, bool keepdim, Location loc) const {
  return catena::argmax(Operand(*this, loc), dim, keepdim);
}

}  // namespace catena
