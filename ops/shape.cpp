#include "catena/ops/shape.hpp"

#include <fmt/format.h>

namespace catena {
namespace {

// The strides that show memory of `from`/`strides` as `to` (same number of elements) in row-major
// order; false when there are none. Runs of dimensions that lie evenly in memory are regrouped.
bool view_strides(const Shape& from, const Shape& strides, const Shape& to, Shape* out) {
  *out = contiguous_strides(to);
  if (to.numel() == 0) return true;
  int i = from.rank() - 1, j = to.rank() - 1;
  while (i >= 0) {
    if (from[i] == 1) {
      --i;
      continue;
    }
    // The run of dimensions ending at i that is one evenly spaced line.
    std::int64_t length = from[i];
    const std::int64_t unit = strides[i];
    while (i > 0 && (from[i - 1] == 1 || strides[i - 1] == unit * length)) length *= from[--i];
    // The dimensions of `to` that cover it.
    std::int64_t covered = 1;
    while (j >= 0 && covered < length) {
      (*out)[j] = unit * covered;
      covered *= to[j--];
    }
    if (covered != length) return false;
    --i;
  }
  return true;
}

// `given` with its -1 replaced so that it holds `numel` elements; an empty text when it fits.
std::string resolve_sizes(const Shape& given, const Shape& from, Shape* out) {
  *out = given;
  const std::int64_t numel = from.numel();
  int unknown = -1;
  std::int64_t known = 1;
  for (int i = 0; i < given.rank(); ++i) {
    if (given[i] == -1 && unknown < 0)
      unknown = i;
    else if (given[i] == -1)
      return fmt::format("shape {} leaves two sizes open; expected -1 at most once",
                         to_string(given));
    else if (given[i] < 0)
      return fmt::format("size {} in shape {}; expected sizes from 0, or -1 for one of them",
                         given[i], to_string(given));
    else if (__builtin_mul_overflow(known, given[i], &known))
      return fmt::format("shape {} has too many elements", to_string(given));
  }
  if (unknown >= 0) {
    if (known == 0 || numel % known != 0)
      return fmt::format("{} elements of {} do not fill shape {}; expected a multiple of {}", numel,
                         to_string(from), to_string(given), known);
    (*out)[unknown] = numel / known;
    return {};
  }
  if (known != numel)
    return fmt::format(
        "{} elements of {} do not fit shape {} of {}; expected as many; -1 in place of one size "
        "stands for what is left",
        numel, to_string(from), to_string(given), known);
  return {};
}

int checked_dim(const char* op, std::int64_t dim, int rank, const std::source_location& loc) {
  if (dim < -rank || dim >= rank)
    throw_argument(op,
                   rank == 0 ? fmt::format("dim {} of a 0-d tensor; it has no dimensions", dim)
                             : fmt::format("dim {} is out of range for {} dimensions; expected {} "
                                           "to {}",
                                           dim, rank, -rank, rank - 1),
                   loc);
  return static_cast<int>(dim < 0 ? dim + rank : dim);
}

const Shape& checked_shape(const char* op, const Operand& x) {
  if (!x.impl())
    throw_argument(op, "x is an undefined tensor; give it a value first", x.location());
  return x.impl()->shape;
}

}  // namespace

namespace op {

void Reshape::infer(InferContext& c) const {
  if (c.contiguous(0)) {
    std::int64_t numel = 1;
    bool plain = true;
    for (const std::int64_t size : shape)
      plain = plain && size > 0 && !__builtin_mul_overflow(numel, size, &numel);
    if (plain && numel == c.numel(0)) return c.view_row_major(shape);
  }
  Shape sizes, strides;
  if (const std::string wrong = resolve_sizes(shape, c.shape(0), &sizes); !wrong.empty())
    c.fail(wrong);
  if (!view_strides(c.shape(0), c.strides(0), sizes, &strides)) return c.output(sizes, c.dtype(0));
  c.view(sizes, strides, c.offset(0));
}
void Transpose::infer(InferContext& c) const {
  const int rank = c.rank(0);
  bool valid = perm.rank() == rank;
  unsigned seen = 0;
  for (int i = 0; valid && i < rank; ++i) {
    valid = perm[i] >= 0 && perm[i] < rank && !(seen >> perm[i] & 1u);
    if (valid) seen |= 1u << perm[i];
  }
  if (!valid)
    c.fail(fmt::format("perm {} for shape {}; expected each of 0 to {} once", to_string(perm),
                       to_string(c.shape(0)), rank - 1));
  Shape sizes = c.shape(0), strides = c.strides(0);
  for (int i = 0; i < rank; ++i) {
    sizes[i] = c.shape(0)[static_cast<int>(perm[i])];
    strides[i] = c.strides(0)[static_cast<int>(perm[i])];
  }
  c.view(sizes, strides, c.offset(0));
}
void Transpose::vjp(VjpContext& c) const {
  Shape inverse = perm;
  for (int i = 0; i < perm.rank(); ++i) inverse[static_cast<int>(perm[i])] = i;
  c.accumulate(0, permute(c.grad(), inverse));
}

void Expand::infer(InferContext& c) const {
  const Shape& from = c.shape(0);
  const int added = shape.rank() - from.rank();
  if (added < 0)
    c.fail(fmt::format("shape {} has fewer dimensions than x {}; expected at least as many",
                       to_string(shape), to_string(from)));
  Shape sizes = shape, strides = Shape::filled(shape.rank(), 0);
  for (int i = 0; i < shape.rank(); ++i) {
    const std::int64_t old = i < added ? 1 : from[i - added];
    if (sizes[i] == -1 && i >= added) sizes[i] = old;
    if (sizes[i] < 0 || (old != 1 && sizes[i] != old))
      c.fail(
          fmt::format("x {} does not expand to {}: dimension {} is {}, asked for {}; expected "
                      "equal sizes, or 1 in x",
                      to_string(from), to_string(shape), i, old, shape[i]));
    if (i >= added && (old != 1 || sizes[i] == 1)) strides[i] = c.strides(0)[i - added];
  }
  c.view(sizes, strides, c.offset(0));
}
// The engine sums a gradient of the broadcast shape.
void Expand::vjp(VjpContext& c) const { c.accumulate(0, c.grad()); }

}  // namespace op

Tensor reshape(Operand x, const Shape& shape) { return detail::call_op(op::Reshape{shape}, x); }

Tensor flatten(Operand x, int from, int to) {
  const Shape& shape = checked_shape("flatten", x);
  if (shape.empty()) return detail::call_op(op::Reshape{{1}}, x);
  const int first = checked_dim("flatten", from, shape.rank(), x.location());
  const int last = checked_dim("flatten", to, shape.rank(), x.location());
  if (last < first)
    throw_argument("flatten",
                   fmt::format("dimensions {} to {} of x {}; expected the first one first", from,
                               to, to_string(shape)),
                   x.location());
  Shape sizes(shape.data(), first + 1);
  // Beside a size of 0 the product of the others may be anything.
  sizes[first] = checked_numel(Shape(shape.data() + first, last - first + 1));
  for (int i = last + 1; i < shape.rank(); ++i) sizes.push_back(shape[i]);
  return detail::call_op(op::Reshape{sizes}, x);
}

Tensor unflatten(Operand x, int dim, const Shape& sizes) {
  const Shape& shape = checked_shape("unflatten", x);
  const int d = checked_dim("unflatten", dim, shape.rank(), x.location());
  Shape parts;
  const std::string wrong = resolve_sizes(sizes, Shape{shape[d]}, &parts);
  if (!wrong.empty())
    throw_argument("unflatten", fmt::format("dimension {} of x {}: {}", d, to_string(shape), wrong),
                   x.location());
  if (shape.rank() - 1 + parts.rank() > kMaxRank)
    throw_argument("unflatten",
                   fmt::format("dimension {} of x {} into {} gives {} dimensions; expected at most "
                               "{}",
                               d, to_string(shape), to_string(parts),
                               shape.rank() - 1 + parts.rank(), kMaxRank),
                   x.location());
  Shape all(shape.data(), d);
  for (const std::int64_t size : parts) all.push_back(size);
  for (int i = d + 1; i < shape.rank(); ++i) all.push_back(shape[i]);
  return detail::call_op(op::Reshape{all}, x);
}

Tensor permute(Operand x, const Shape& dims) {
  const Shape& shape = checked_shape("permute", x);
  Shape perm = dims;
  for (std::int64_t& d : perm)
    if (d < 0) d += shape.rank();
  return detail::call_op(op::Transpose{perm}, x);
}

namespace {
Tensor swapped(const char* name, Operand& x, int dim0, int dim1) {
  const int rank = checked_shape(name, x).rank();
  const int i = checked_dim(name, dim0, rank, x.location());
  const int j = checked_dim(name, dim1, rank, x.location());
  Shape perm;
  for (int k = 0; k < rank; ++k) perm.push_back(k == i ? j : k == j ? i : k);
  return detail::call_op(op::Transpose{perm}, x);
}
}  // namespace

Tensor transpose(Operand x, int dim0, int dim1) { return swapped("transpose", x, dim0, dim1); }
Tensor swapaxes(Operand x, int dim0, int dim1) { return swapped("swapaxes", x, dim0, dim1); }

Tensor movedim(Operand x, const Shape& from, const Shape& to) {
  const int rank = checked_shape("movedim", x).rank();
  if (from.rank() != to.rank())
    throw_argument("movedim",
                   fmt::format("from {} and to {} differ in length; expected one place for each "
                               "dimension that moves",
                               to_string(from), to_string(to)),
                   x.location());
  Shape perm = Shape::filled(rank, -1);
  unsigned moved = 0;
  for (int i = 0; i < from.rank(); ++i) {
    const int source = checked_dim("movedim", from[i], rank, x.location());
    const int place = checked_dim("movedim", to[i], rank, x.location());
    if (moved >> source & 1u || perm[place] >= 0)
      throw_argument("movedim",
                     fmt::format("from {} and to {} name a dimension twice; expected each once",
                                 to_string(from), to_string(to)),
                     x.location());
    moved |= 1u << source;
    perm[place] = source;
  }
  int next = 0;
  for (std::int64_t& p : perm) {
    if (p >= 0) continue;
    while (moved >> next & 1u) ++next;
    p = next++;
  }
  return detail::call_op(op::Transpose{perm}, x);
}
Tensor movedim(Operand x, int from, int to) {
  const int rank = checked_shape("movedim", x).rank();
  const int source = checked_dim("movedim", from, rank, x.location());
  const int place = checked_dim("movedim", to, rank, x.location());
  Shape perm;
  for (int i = 0; i < rank; ++i)
    if (i != source) perm.push_back(i);
  perm.insert(place, source);
  return detail::call_op(op::Transpose{perm}, x);
}

Tensor expand(Operand x, const Shape& shape) { return detail::call_op(op::Expand{shape}, x); }

namespace {
Tensor without(Operand& x, const Shape& dims) {
  const Shape& sizes = checked_shape("squeeze", x);
  unsigned dropped = 0;
  for (const std::int64_t dim : dims) {
    const int d = checked_dim("squeeze", dim, sizes.rank(), x.location());
    if (sizes[d] != 1)
      throw_argument("squeeze",
                     fmt::format("dimension {} of x {} has size {}; expected 1", d,
                                 to_string(sizes), sizes[d]),
                     x.location());
    dropped |= 1u << d;
  }
  Shape kept;
  for (int d = 0; d < sizes.rank(); ++d)
    if (!(dropped >> d & 1u)) kept.push_back(sizes[d]);
  return detail::call_op(op::Reshape{kept}, x);
}
}  // namespace

Tensor squeeze(Operand x, int dim) { return without(x, Shape{dim}); }
Tensor squeeze(Operand x, const Shape& dims) { return without(x, dims); }
Tensor squeeze(Operand x) {
  Shape kept;
  for (const std::int64_t size : checked_shape("squeeze", x))
    if (size != 1) kept.push_back(size);
  return detail::call_op(op::Reshape{kept}, x);
}

Tensor unsqueeze(Operand x, int dim) {
  Shape sizes = checked_shape("unsqueeze", x);
  if (sizes.rank() == kMaxRank)
    throw_argument("unsqueeze",
                   fmt::format("x {} has {} dimensions already, the most there can be",
                               to_string(sizes), kMaxRank),
                   x.location());
  sizes.insert(checked_dim("unsqueeze", dim, sizes.rank() + 1, x.location()), 1);
  return detail::call_op(op::Reshape{sizes}, x);
}

Tensor Tensor::reshape(const Shape& shape, Location loc) const {
  return catena::reshape(Operand(*this, loc), shape);
}
Tensor Tensor::flatten(int from, Location loc) const {
  return catena::flatten(Operand(*this, loc), from);
}
Tensor Tensor::transpose(int dim0, int dim1, Location loc) const {
  return catena::transpose(Operand(*this, loc), dim0, dim1);
}
Tensor Tensor::permute(const Shape& dims, Location loc) const {
  return catena::permute(Operand(*this, loc), dims);
}
Tensor Tensor::t(Location loc) const {
  const int rank = checked_shape("t", Operand(*this, loc)).rank();
  if (rank > 2)
    throw_argument("t",
                   fmt::format("x {} has {} dimensions; expected at most 2; use transpose(dim0, "
                               "dim1)",
                               catena::to_string(shape()), rank),
                   loc);
  return rank < 2 ? *this : catena::transpose(Operand(*this, loc), 0, 1);
}
Tensor Tensor::expand(const Shape& shape, Location loc) const {
  return catena::expand(Operand(*this, loc), shape);
}
Tensor Tensor::squeeze(int dim, Location loc) const {
  return catena::squeeze(Operand(*this, loc), dim);
}
Tensor Tensor::unsqueeze(int dim, Location loc) const {
  return catena::unsqueeze(Operand(*this, loc), dim);
}

}  // namespace catena
