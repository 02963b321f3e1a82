#include "catena/ops/resize.hpp"

#include <cmath>

#include "catena/graph/registry.hpp"
#include "catena/ops/composite.hpp"

namespace catena {
namespace {

void expect_one_of(const InferContext& c, const char* what, const std::string& given,
                   const std::vector<std::string>& names) {
  for (const std::string& name : names)
    if (given == name) return;
  std::string list;
  for (std::size_t i = 0; i < names.size(); ++i)
    list += fmt::format("{}\"{}\"", i == 0 ? "" : i + 1 < names.size() ? ", " : " or ", names[i]);
  c.fail(fmt::format("unknown {} \"{}\"; expected {}{}", what, given, list,
                     detail::near_names(given, names)));
}

// The shape of the result: the last dimensions replaced by `sizes`.
template <class Op>
Shape resized(const InferContext& c, const Op& op, const char* what, const Shape& sizes) {
  const Shape& x = c.shape(0);
  expect_one_of(c, "mode", op.mode, {"nearest", "linear", "cubic", "area"});
  expect_one_of(c, "coordinate_mode", op.coordinate_mode,
                {"half_pixel", "pytorch_half_pixel", "align_corners", "asymmetric"});
  expect_one_of(c, "nearest_mode", op.nearest_mode,
                {"round_prefer_floor", "round_prefer_ceil", "floor", "ceil"});
  const int dims = sizes.rank(), front = x.rank() - dims;
  if (dims == 0 || front < 0)
    c.fail(
        fmt::format("{} is {} for x {}; expected the sizes of one or more of its last "
                    "dimensions",
                    what, to_string(sizes), to_string(x)));
  if (!op.scales.empty() && op.scales.size() != static_cast<std::size_t>(dims))
    c.fail(fmt::format("{} scales for {} {}; expected one each, or none", op.scales.size(), what,
                       to_string(sizes)));
  for (const double scale : op.scales)
    if (!(scale > 0) || std::isinf(scale))
      c.fail(fmt::format("a scale is {}; expected a positive number", scale));
  constexpr std::int64_t kMost = std::int64_t{1} << 31;
  Shape y = x;
  for (int d = 0; d < dims; ++d) {
    if (sizes[d] < 1 || sizes[d] > kMost || x[front + d] < 1 || x[front + d] > kMost)
      c.fail(fmt::format("dimension {} goes from {} to {} entries; expected 1 or more", front + d,
                         x[front + d], sizes[d]));
    y[front + d] = sizes[d];
  }
  return y;
}

Shape last_sizes(const Shape& x, int dims) {
  Shape sizes;
  for (int d = x.rank() - dims; d < x.rank(); ++d) sizes.push_back(x[d]);
  return sizes;
}

}  // namespace

namespace op {

void Resize::infer(InferContext& c) const {
  const Shape y = resized(c, *this, "size", size);
  if (mode != "nearest" && !is_floating(c.dtype(0))) c.fail(detail::not_floating("x", c.dtype(0)));
  c.output(y, c.dtype(0));
}
void Resize::vjp(VjpContext& c) const {
  Operand g(c.grad());
  c.accumulate(0, detail::call_op(
                      ResizeAdjoint{last_sizes(c.input_shape(0), size.rank()), scales, mode,
                                    coordinate_mode, nearest_mode, cubic_coeff_a, exclude_outside},
                      g));
}

void ResizeAdjoint::infer(InferContext& c) const {
  const Shape y = resized(c, *this, "input_size", input_size);
  if (!is_floating(c.dtype(0))) c.fail(detail::not_floating("x", c.dtype(0)));
  c.output(y, c.dtype(0));
}
void ResizeAdjoint::vjp(VjpContext& c) const {
  Operand g(c.grad());
  c.accumulate(
      0, detail::call_op(Resize{last_sizes(c.input_shape(0), input_size.rank()), scales, mode,
                                coordinate_mode, nearest_mode, cubic_coeff_a, exclude_outside},
                         g));
}

}  // namespace op

Tensor interpolate(Operand x, const InterpolateOptions& options) {
  const auto fail = [&](const std::string& what) {
    throw_argument("interpolate", what, x.location());
  };
  if (!x.impl()) fail("x is an undefined tensor; give it a value first");
  const Shape shape = x.impl()->shape;
  const int dims = shape.rank() - 2;
  const std::string& mode = options.mode;
  struct Mode {
    const char *name, *op_mode;
    int dims;  // 0: any
  };
  static constexpr Mode kModes[] = {{"nearest", "nearest", 0}, {"nearest-exact", "nearest", 0},
                                    {"area", "area", 0},       {"linear", "linear", 1},
                                    {"bilinear", "linear", 2}, {"trilinear", "linear", 3},
                                    {"bicubic", "cubic", 2}};
  const Mode* found = nullptr;
  std::vector<std::string> names;
  for (const Mode& m : kModes) {
    names.push_back(m.name);
    if (mode == m.name) found = &m;
  }
  if (!found)
    fail(
        fmt::format("unknown mode \"{}\"; expected \"nearest\", \"nearest-exact\", \"linear\", "
                    "\"bilinear\", \"trilinear\", \"bicubic\" or \"area\"{}",
                    mode, detail::near_names(mode, names)));
  if (dims < 1 || dims > 3 || (found->dims != 0 && found->dims != dims))
    fail(fmt::format("x has shape {}; expected {} for mode \"{}\"", to_string(shape),
                     found->dims == 1   ? "[N, C, L]"
                     : found->dims == 2 ? "[N, C, H, W]"
                     : found->dims == 3 ? "[N, C, D, H, W]"
                                        : "[N, C, L], [N, C, H, W] or [N, C, D, H, W]",
                     mode));
  if (options.align_corners && found->dims == 0)
    fail(fmt::format("align_corners with mode \"{}\"; expected a mode with \"linear\" or \"cubic\"",
                     mode));
  const bool by_scale = !options.scale_factor.empty();
  if (by_scale == (options.size.rank() > 0))
    fail(by_scale ? "both size and scale_factor are given; expected one of them"
                  : "neither size nor scale_factor is given; expected one of them");
  const int given = by_scale ? static_cast<int>(options.scale_factor.size()) : options.size.rank();
  if (given != 1 && given != dims)
    fail(fmt::format("{} numbers in {} for x {}; expected 1 or {}", given,
                     by_scale ? "scale_factor" : "size", to_string(shape), dims));
  op::Resize op;
  op.mode = found->op_mode;
  for (int d = 0; d < dims; ++d) {
    if (!by_scale) {
      op.size.push_back(options.size[given == 1 ? 0 : d]);
      continue;
    }
    const double scale = options.scale_factor[static_cast<std::size_t>(given == 1 ? 0 : d)];
    const double size = std::floor(static_cast<double>(shape[d + 2]) * scale);
    if (!(scale > 0) || !(size >= 1 && size < 0x1p31))
      fail(
          fmt::format("scale_factor {} makes {} of the {} entries of dimension {}; expected 1 or "
                      "more",
                      scale, size, shape[d + 2], d + 2));
    op.size.push_back(static_cast<std::int64_t>(size));
    if (!options.recompute_scale_factor && op.mode != "area") op.scales.push_back(scale);
  }
  if (mode == "nearest") {
    op.coordinate_mode = "asymmetric";
    op.nearest_mode = "floor";
  } else if (mode == "nearest-exact") {
    op.nearest_mode = "round_prefer_ceil";
  } else if (options.align_corners) {
    op.coordinate_mode = "align_corners";
  }
  return detail::call_op(op, x);
}

}  // namespace catena
