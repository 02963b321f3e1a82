#include "catena/ops/pad.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "catena/graph/scalar_range.hpp"
#include "catena/ops/slice.hpp"

namespace catena {
namespace {

constexpr PadMode kModes[] = {PadMode::kConstant, PadMode::kReflect, PadMode::kReplicate,
                              PadMode::kCircular};

bool find_mode(std::string_view name, PadMode* found) {
  for (PadMode m : kModes) {
    if (name != name_of(m)) continue;
    *found = m;
    return true;
  }
  return false;
}

std::string unknown_mode(std::string_view name) {
  std::vector<std::string> names;
  for (PadMode m : kModes) names.push_back(name_of(m));
  return fmt::format(
      "unknown mode \"{}\"; expected \"constant\", \"reflect\", \"replicate\" or "
      "\"circular\"{}",
      name, detail::near_names(name, names));
}

PadMode checked_mode(std::string_view name) {
  PadMode mode = PadMode::kConstant;
  find_mode(name, &mode);
  return mode;
}

// Whether the dtype has this number: of bool any whole one is true or false, and floating dtypes
// have a neighbour of each.
bool fits(DType dtype, double value) {
  return is_floating(dtype) || (value == std::floor(value) && detail::holds(dtype, value));
}

// Fails unless a border of this mode fits around `shape`; returns the shape with it.
Shape padded_shape(InferContext& c, const Shape& shape, const Shape& before, const Shape& after,
                   const std::string& name) {
  PadMode mode;
  if (!find_mode(name, &mode)) c.fail(unknown_mode(name));
  if (before.rank() != shape.rank() || after.rank() != shape.rank())
    c.fail(fmt::format("before {} and after {} for shape {}; expected {} numbers in each",
                       to_string(before), to_string(after), to_string(shape), shape.rank()));
  Shape padded = shape;
  for (int d = 0; d < shape.rank(); ++d) {
    const std::int64_t most = std::max(before[d], after[d]), size = shape[d];
    if (before[d] < 0 || after[d] < 0)
      c.fail(
          fmt::format("dimension {} of {} is padded by {} and {}; expected 0 or more; slice() "
                      "cuts entries off",
                      d, to_string(shape), before[d], after[d]));
    const bool fits = most == 0 || mode == PadMode::kConstant ||
                      (mode == PadMode::kReflect    ? most < size
                       : mode == PadMode::kCircular ? most <= size
                                                    : size > 0);
    if (!fits)
      c.fail(fmt::format("dimension {} of {} is padded by {} and {} with mode \"{}\"; expected {}",
                         d, to_string(shape), before[d], after[d], name,
                         size == 0                   ? "a dimension with entries"
                         : mode == PadMode::kReflect ? fmt::format("at most {}", size - 1)
                                                     : fmt::format("at most {}", size)));
    if (__builtin_add_overflow(padded[d], before[d], &padded[d]) ||
        __builtin_add_overflow(padded[d], after[d], &padded[d]))
      c.fail(fmt::format("dimension {} of {} is padded by {} and {}: too many entries", d,
                         to_string(shape), before[d], after[d]));
  }
  return padded;
}

}  // namespace

const char* name_of(PadMode mode) {
  switch (mode) {
    case PadMode::kReflect:
      return "reflect";
    case PadMode::kReplicate:
      return "replicate";
    case PadMode::kCircular:
      return "circular";
    default:
      return "constant";
  }
}

PadMode pad_mode_from_name(std::string_view name, std::source_location loc) {
  PadMode mode;
  if (!find_mode(name, &mode)) throw_argument("pad", unknown_mode(name), loc);
  return mode;
}

namespace op {

PadMode pad_mode_of(const Pad& op) { return checked_mode(op.mode); }
PadMode pad_mode_of(const PadAdjoint& op) { return checked_mode(op.mode); }

void Pad::infer(InferContext& c) const {
  const Shape padded = padded_shape(c, c.shape(0), before, after, mode);
  if (!fits(c.dtype(0), value))
    c.fail(
        fmt::format("value {} for x of dtype {}; expected a number of that dtype; convert x "
                    "with to(dtype)",
                    value, name_of(c.dtype(0))));
  c.output(padded, c.dtype(0));
}
void Pad::vjp(VjpContext& c) const {
  Operand g(c.grad());
  if (pad_mode_of(*this) == PadMode::kConstant)
    return c.accumulate(
        0, detail::call_op(Slice{before, c.input_shape(0), Shape::filled(before.rank(), 1)}, g));
  c.accumulate(0, detail::call_op(PadAdjoint{before, after, mode}, g));
}

void PadAdjoint::infer(InferContext& c) const {
  const Shape& from = c.shape(0);
  Shape shape = from;
  if (before.rank() == from.rank() && after.rank() == from.rank())
    for (int d = 0; d < from.rank(); ++d)
      if (before[d] >= 0 && after[d] >= 0 && before[d] <= from[d] && after[d] <= from[d])
        shape[d] = std::max<std::int64_t>(0, from[d] - before[d] - after[d]);
  const Shape padded = padded_shape(c, shape, before, after, mode);
  if (padded != from)
    c.fail(fmt::format("x {} is no tensor with {} entries of a border in front and {} behind",
                       to_string(from), to_string(before), to_string(after)));
  c.output(shape, c.dtype(0));
}
void PadAdjoint::vjp(VjpContext& c) const {
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(Pad{before, after, mode, 0}, g));
}

}  // namespace op

namespace {

Tensor pad_operand(Operand& x, std::span<const PadPair> pads, PadMode mode, Scalar value) {
  const char* name = OpName<op::Pad>::value;
  if (!x.impl())
    throw_argument(name, "x is an undefined tensor; give it a value first", x.location());
  const Shape& shape = x.impl()->shape;
  const int rank = shape.rank(), given = static_cast<int>(pads.size());
  if (given > rank)
    throw_argument(name,
                   fmt::format("{} pairs for x {}; expected at most {}, one per dimension", given,
                               to_string(shape), rank),
                   x.location());
  if (!is_floating(x.impl()->dtype) && !detail::is_exact_real(value))
    throw_argument(name,
                   fmt::format("value {} for x of dtype {}; expected a number that float64 has "
                               "exactly, as all are up to 2^53; write others with masked_fill",
                               detail::text_of(value), name_of(x.impl()->dtype)),
                   x.location());
  op::Pad op{Shape::filled(rank, 0), Shape::filled(rank, 0), name_of(mode), value.as<double>()};
  op::Slice kept{Shape::filled(rank, 0), shape, Shape::filled(rank, 1)};
  bool cut = false;
  for (int i = 0; i < given; ++i) {
    const int d = rank - given + i;
    const auto [before, after] = pads[static_cast<std::size_t>(i)];
    op.before[d] = before;
    op.after[d] = after;
    if (mode != PadMode::kConstant || (before >= 0 && after >= 0)) continue;
    const bool within = before >= -shape[d] && after >= -shape[d];
    const std::int64_t front = within ? std::max<std::int64_t>(0, -before) : 0,
                       back = within ? std::max<std::int64_t>(0, -after) : 0;
    if (!within || back > shape[d] - front)
      throw_argument(name,
                     fmt::format("dimension {} of {} is padded by {} and {}; expected to cut off "
                                 "at most its {} entries",
                                 d, to_string(shape), before, after, shape[d]),
                     x.location());
    cut = true;
    kept.start[d] = front;
    kept.length[d] = shape[d] - front - back;
    op.before[d] = std::max<std::int64_t>(0, before);
    op.after[d] = std::max<std::int64_t>(0, after);
  }
  if (!cut) return detail::call_op(op, x);
  Operand part(detail::call_op(kept, x), x.location());
  return detail::call_op(op, part);
}

}  // namespace

Tensor pad(Operand x, std::span<const PadPair> pads, PadMode mode, Scalar value) {
  return pad_operand(x, pads, mode, value);
}
Tensor pad(Operand x, std::initializer_list<PadPair> pads, PadMode mode, Scalar value) {
  return pad_operand(x, {pads.begin(), pads.size()}, mode, value);
}

}  // namespace catena
