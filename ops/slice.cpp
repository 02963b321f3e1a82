#include "catena/ops/slice.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catena/ops/shape.hpp"

namespace catena {
namespace {

// A bound of a slice as NumPy reads it: from the end when negative, clipped to [0, size].
std::int64_t clipped(std::int64_t bound, std::int64_t size) {
  if (bound < 0) bound += size;
  return std::clamp<std::int64_t>(bound, 0, size);
}

std::int64_t checked_index(std::int64_t index, int dim, const Shape& shape,
                           const std::source_location& loc) {
  const std::int64_t size = shape[dim];
  if (index < -size || index >= size)
    throw_argument("slice",
                   fmt::format("index {} is out of range for dimension {} of {}, which has size "
                               "{}; expected {}",
                               index, dim, to_string(shape), size,
                               size == 0 ? "a dimension with entries"
                                         : fmt::format("{} to {}", -size, size - 1)),
                   loc);
  return index < 0 ? index + size : index;
}

void check_step(std::int64_t step, const std::source_location& loc) {
  if (step < 1)
    throw_argument("slice",
                   fmt::format("step {}; expected 1 or more: a view cannot run backwards", step),
                   loc);
}

const Shape& checked_shape(const Operand& x) {
  if (!x.impl())
    throw_argument("slice", "x is an undefined tensor; give it a value first", x.location());
  return x.impl()->shape;
}

op::Slice whole(const Shape& shape) {
  return {Shape::filled(shape.rank(), 0), shape, Shape::filled(shape.rank(), 1)};
}

bool is_whole(const op::Slice& op, const Shape& shape) {
  return op.length == shape && op.step == Shape::filled(shape.rank(), 1);
}

void set_range(op::Slice& op, int dim, std::int64_t size, const Slice& range,
               const std::source_location& loc) {
  check_step(range.step, loc);
  const std::int64_t start = clipped(range.start.value_or(0), size);
  const std::int64_t stop = clipped(range.stop.value_or(size), size);
  op.start[dim] = start;
  op.length[dim] = stop <= start ? 0 : (stop - start - 1) / range.step + 1;
  op.step[dim] = range.step;
}

int checked_dim(int dim, const Shape& shape, const std::source_location& loc) {
  const int rank = shape.rank();
  if (dim < -rank || dim >= rank)
    throw_argument("slice",
                   fmt::format("dim {} is out of range for x {}; expected {} to {}", dim,
                               to_string(shape), -rank, rank - 1),
                   loc);
  return dim < 0 ? dim + rank : dim;
}

// `op` must fit into `shape`; loaded graphs come with any numbers.
std::string misfit(const Shape& start, const Shape& length, const Shape& step, const Shape& shape) {
  const int rank = shape.rank();
  if (start.rank() != rank || length.rank() != rank || step.rank() != rank)
    return fmt::format("start {}, length {}, step {} for shape {}; expected {} numbers in each",
                       to_string(start), to_string(length), to_string(step), to_string(shape),
                       rank);
  for (int d = 0; d < rank; ++d) {
    const bool valid = start[d] >= 0 && start[d] <= shape[d] && length[d] >= 0 && step[d] >= 1 &&
                       (length[d] == 0 || (start[d] < shape[d] &&
                                           length[d] - 1 <= (shape[d] - 1 - start[d]) / step[d]));
    if (!valid)
      return fmt::format(
          "dimension {} of {} is sliced from {}, {} entries, step {}; expected entries from 0 on, "
          "below {}, and a step of 1 or more",
          d, to_string(shape), start[d], length[d], step[d], shape[d]);
  }
  return {};
}

}  // namespace

namespace op {

void Slice::infer(InferContext& c) const {
  if (const std::string wrong = misfit(start, length, step, c.shape(0)); !wrong.empty())
    c.fail(wrong);
  Shape strides = c.strides(0);
  std::int64_t offset = c.offset(0);
  // A step that is not taken may be any number, the strides of no entries too.
  for (int d = 0; d < length.rank() && length.numel() != 0; ++d) {
    offset += start[d] * strides[d];
    if (length[d] > 1) strides[d] *= step[d];
  }
  c.view(length, strides, offset);
}
void Slice::vjp(VjpContext& c) const {
  c.accumulate_slice(0, SliceSpec{start, length, step}, c.grad());
}

void SliceAdjoint::infer(InferContext& c) const {
  if (const std::string wrong = misfit(start, c.shape(0), step, shape); !wrong.empty())
    c.fail(wrong);
  c.output(shape, c.dtype(0));
}
void SliceAdjoint::vjp(VjpContext& c) const {
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(Slice{start, c.input_shape(0), step}, g));
}

}  // namespace op

namespace {
Tensor slice_operand(Operand& x, std::span<const Index> where) {
  const Shape& shape = checked_shape(x);
  int named = 0, ellipses = 0, rank = shape.rank();
  for (const Index& i : where) {
    if (i.kind() == Index::Kind::kEllipsis)
      ++ellipses;
    else if (i.kind() == Index::Kind::kNewAxis)
      ++rank;
    else
      ++named;
    if (i.kind() == Index::Kind::kInteger) --rank;
  }
  if (ellipses > 1)
    throw_argument("slice", fmt::format("{} Ellipsis in one index; expected one at most", ellipses),
                   x.location());
  if (named > shape.rank())
    throw_argument("slice",
                   fmt::format("{} indices for x {}; expected at most {}, one per dimension", named,
                               to_string(shape), shape.rank()),
                   x.location());
  if (rank > kMaxRank)
    throw_argument("slice",
                   fmt::format("new axes give x {} {} dimensions; expected at most {}; merge some "
                               "with reshape",
                               to_string(shape), rank, kMaxRank),
                   x.location());

  op::Slice op = whole(shape);
  Shape kept;  // of the result, with integers dropped and new axes put in
  int d = 0;
  for (const Index& i : where) {
    switch (i.kind()) {
      case Index::Kind::kInteger:
        op.start[d] = checked_index(i.integer(), d, shape, x.location());
        op.length[d++] = 1;
        break;
      case Index::Kind::kSlice:
        set_range(op, d, shape[d], i.slice(), x.location());
        kept.push_back(op.length[d++]);
        break;
      case Index::Kind::kEllipsis:
        for (int skip = shape.rank() - named; skip > 0; --skip) kept.push_back(shape[d++]);
        break;
      case Index::Kind::kNewAxis:
        kept.push_back(1);
        break;
    }
  }
  while (d < shape.rank()) kept.push_back(shape[d++]);

  if (is_whole(op, shape)) return detail::call_op(op::Reshape{kept}, x);
  if (kept == op.length) return detail::call_op(op, x);
  Operand part(detail::call_op(op, x), x.location());
  return detail::call_op(op::Reshape{kept}, part);
}
}  // namespace

Tensor slice(Operand x, std::span<const Index> where) { return slice_operand(x, where); }
Tensor slice(Operand x, std::initializer_list<Index> where) {
  return slice_operand(x, {where.begin(), where.size()});
}

Tensor slice(Operand x, int dim, std::int64_t start, std::int64_t stop, std::int64_t step) {
  const Shape& shape = checked_shape(x);
  const int d = checked_dim(dim, shape, x.location());
  op::Slice op = whole(shape);
  set_range(op, d, shape[d], Slice(start, stop, step), x.location());
  return detail::call_op(op, x);
}

Tensor select(Operand x, int dim, std::int64_t index) {
  const Shape& shape = checked_shape(x);
  if (shape.empty())
    throw_argument("slice", "x is 0-d and has no entries to select; use item() for its value",
                   x.location());
  const int d = checked_dim(dim, shape, x.location());
  op::Slice op = whole(shape);
  op.start[d] = checked_index(index, d, shape, x.location());
  op.length[d] = 1;
  Shape rest = op.length;
  rest.erase(d);
  Operand part(detail::call_op(op, x), x.location());
  return detail::call_op(op::Reshape{rest}, part);
}

Tensor Tensor::slice(std::initializer_list<Index> where, Location loc) const {
  return catena::slice(Operand(*this, loc), std::span<const Index>(where.begin(), where.size()));
}
Tensor Tensor::slice(std::span<const Index> where, Location loc) const {
  return catena::slice(Operand(*this, loc), where);
}
Tensor Tensor::operator[](Position i) const {
  return catena::select(Operand(*this, i.location), 0, i.index);
}

}  // namespace catena
