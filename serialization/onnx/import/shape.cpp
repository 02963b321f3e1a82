// New descriptions of the same entries, joining and cutting.
#include "catena/ops/shape.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/flip.hpp"
#include "catena/ops/pad.hpp"
#include "catena/ops/pixel_shuffle.hpp"
#include "catena/ops/slice.hpp"
#include "catena/ops/split.hpp"
#include "catena/ops/tile.hpp"
#include "catena/ops/trilu.hpp"
#include "catena/serialization/onnx/import/operators.hpp"

namespace catena::onnx {
namespace {

Values identity(Call& c) { return {c.in(0)}; }

Values reshape_of(Call& c) {
  const Tensor& x = c.in(0);
  std::vector<std::int64_t> sizes;
  if (c.opset() >= 5)
    sizes = c.integers(1);
  else if (const auto given = c.integers("shape"))
    sizes = *given;
  const bool keep_zero = c.attribute("allowzero", std::int64_t{0}) != 0;
  Shape shape;
  if (sizes.size() > kMaxRank) c.unsupported(fmt::format("{} dimensions", sizes.size()));
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    if (sizes[d] != 0 || keep_zero) {
      shape.push_back(sizes[d]);
      continue;
    }
    if (static_cast<int>(d) >= x.rank())
      c.fail(fmt::format("size {} is 0, \"as in x\", which has shape {}", d, to_string(x.shape())));
    shape.push_back(x.shape()[static_cast<int>(d)]);
  }
  return {reshape(x, shape)};
}

Values flatten_of(Call& c) {
  const Tensor& x = c.in(0);
  std::int64_t axis = c.attribute("axis", std::int64_t{1});
  if (axis != x.rank()) axis = c.axis(axis, x.rank());
  std::int64_t lead = 1, rest = 1;
  for (int d = 0; d < x.rank(); ++d) (d < axis ? lead : rest) *= x.shape()[d];
  return {reshape(x, {lead, rest})};
}

Values transpose_of(Call& c) {
  const Tensor& x = c.in(0);
  Shape dims;
  if (const auto given = c.integers("perm")) {
    for (const std::int64_t d : *given) dims.push_back(c.axis(d, x.rank()));
  } else {
    for (int d = x.rank() - 1; d >= 0; --d) dims.push_back(d);
  }
  return {permute(x, dims)};
}

// The axes of Squeeze and Unsqueeze: an input since opset 13.
std::vector<std::int64_t> axes_of(Call& c) {
  if (c.opset() >= 13) return c.has(1) ? c.integers(1) : std::vector<std::int64_t>{};
  return c.integers("axes").value_or(std::vector<std::int64_t>{});
}

Values squeeze_of(Call& c) {
  const Tensor& x = c.in(0);
  const std::vector<std::int64_t> axes = axes_of(c);
  if (axes.empty()) return {squeeze(x)};
  Shape dims;
  for (const std::int64_t axis : axes) dims.push_back(c.axis(axis, x.rank()));
  return {squeeze(x, dims)};
}

Values unsqueeze_of(Call& c) {
  const Tensor& x = c.in(0);
  const std::vector<std::int64_t> axes = axes_of(c);
  const int rank = x.rank() + static_cast<int>(std::min<std::size_t>(axes.size(), kMaxRank));
  if (rank > kMaxRank) c.unsupported(fmt::format("{} dimensions", rank));
  std::vector<std::int64_t> places;
  for (const std::int64_t axis : axes) places.push_back(c.axis(axis, rank));
  std::sort(places.begin(), places.end());
  if (std::adjacent_find(places.begin(), places.end()) != places.end())
    c.fail("an axis is named twice");
  Shape shape = x.shape();
  for (const std::int64_t place : places) shape.insert(static_cast<int>(place), 1);
  return {reshape(x, shape)};
}

Values concat_of(Call& c) {
  std::vector<Tensor> parts;
  for (int i = 0; i < c.count(); ++i) parts.push_back(c.in(i));
  const int rank = c.in(0).rank();
  const std::int64_t axis =
      c.opset() < 4 ? c.attribute("axis", std::int64_t{1}) : c.required_integer("axis");
  return {concat(parts, c.axis(axis, rank))};
}

Values split_of(Call& c) {
  const Tensor& x = c.in(0);
  const int axis = c.axis(c.attribute("axis", std::int64_t{0}), x.rank());
  std::vector<std::int64_t> sizes;
  if (c.opset() >= 13) {
    if (c.has(1)) sizes = c.integers(1);
  } else if (const auto given = c.integers("split")) {
    sizes = *given;
  } else if (c.has(1)) {
    sizes = c.integers(1);
  }
  if (sizes.empty()) {
    const std::int64_t parts = c.attribute("num_outputs", std::int64_t{c.num_outputs()});
    if (parts < 1 || parts > (1 << 20)) c.fail(fmt::format("num_outputs {}", parts));
    const std::int64_t size = x.shape()[axis], each = (size + parts - 1) / parts;
    for (std::int64_t k = 0; k < parts; ++k)
      sizes.push_back(std::clamp<std::int64_t>(size - k * each, 0, each));
  }
  return split(x, sizes, axis);
}

Values slice_of(Call& c) {
  Tensor x = c.in(0);
  std::vector<std::int64_t> starts, ends, axes, steps;
  if (c.opset() < 10) {
    starts = c.integers("starts").value_or(starts);
    ends = c.integers("ends").value_or(ends);
    axes = c.integers("axes").value_or(axes);
  } else {
    starts = c.integers(1);
    ends = c.integers(2);
    if (c.has(3)) axes = c.integers(3);
    if (c.has(4)) steps = c.integers(4);
  }
  if (axes.empty())
    for (std::size_t i = 0; i < starts.size(); ++i) axes.push_back(static_cast<std::int64_t>(i));
  if (steps.empty()) steps.assign(starts.size(), 1);
  if (ends.size() != starts.size() || axes.size() != starts.size() || steps.size() != starts.size())
    c.fail("starts, ends, axes and steps must have as many numbers");
  for (std::size_t i = 0; i < starts.size(); ++i) {
    const int axis = c.axis(axes[i], x.rank());
    const std::int64_t size = x.shape()[axis];
    if (steps[i] == 0) c.fail("a step is 0");
    if (steps[i] > 0) {
      x = slice(x, axis, starts[i], ends[i], steps[i]);
      continue;
    }
    // Backwards: the same entries forwards, turned round.
    const auto bound = [&](std::int64_t v) {
      if (v < 0) v = v < -size ? -1 : v + size;
      return std::min(v, size - 1);
    };
    const std::int64_t first = bound(starts[i]), stop = bound(ends[i]);
    const std::int64_t step = steps[i] < -size ? size + 1 : -steps[i];
    const std::int64_t count = first > stop ? (first - stop + step - 1) / step : 0;
    if (count == 0)
      x = slice(x, axis, 0, 0);
    else
      x = flip(slice(x, axis, first - (count - 1) * step, first + 1, step), {axis});
  }
  return {x};
}

Values expand_of(Call& c) {
  const Tensor& x = c.in(0);
  const Shape target = c.shape(c.integers(1));
  Shape shape;
  if (!broadcast_shapes(x.shape(), target, &shape))
    c.fail(fmt::format("x has shape {}, which does not broadcast to {}", to_string(x.shape()),
                       to_string(target)));
  c.check_size(shape, x.dtype());
  return {expand(x, shape)};
}

Values tile_of(Call& c) {
  const Tensor& x = c.in(0);
  Shape repeats;
  if (c.opset() < 6) {
    repeats = Shape::filled(x.rank(), 1);
    repeats[c.axis(c.integer(2), x.rank())] = c.integer(1);
  } else {
    repeats = c.shape(c.integers(1));
  }
  if (repeats.rank() != x.rank())
    c.fail(fmt::format("{} repeats for {} dimensions", repeats.rank(), x.rank()));
  Shape shape = x.shape();
  for (int d = 0; d < shape.rank(); ++d)
    if (__builtin_mul_overflow(shape[d], repeats[d], &shape[d])) c.fail("a size overflows");
  c.check_size(shape, x.dtype());
  return {tile(x, repeats)};
}

Values pad_of(Call& c) {
  const Tensor& x = c.in(0);
  std::vector<std::int64_t> pads, axes;
  Scalar value = 0;
  if (c.opset() >= 11) {
    pads = c.integers(1);
    if (c.has(2)) {
      if (is_floating(c.in(2).dtype()))
        value = c.real(2);
      else
        value = c.in(2).item<std::int64_t>();
    }
    if (c.has(3)) axes = c.integers(3);
  } else {
    pads = c.integers(c.opset() < 2 ? "paddings" : "pads").value_or(pads);
    if (const double v = c.attribute("value", 0.0); v != 0) value = v;
  }
  if (axes.empty())
    for (int d = 0; d < x.rank(); ++d) axes.push_back(d);
  if (pads.size() != 2 * axes.size())
    c.fail(fmt::format("{} pads for {} axes; expected two for each", pads.size(), axes.size()));
  std::vector<PadPair> pairs(static_cast<std::size_t>(x.rank()));
  Shape shape = x.shape();
  for (std::size_t i = 0; i < axes.size(); ++i) {
    const int axis = c.axis(axes[i], x.rank());
    PadPair& pair = pairs[static_cast<std::size_t>(axis)];
    pair = {pads[i], pads[i + axes.size()]};
    if (__builtin_add_overflow(shape[axis], pair.first, &shape[axis]) ||
        __builtin_add_overflow(shape[axis], pair.second, &shape[axis]))
      c.fail("a size overflows");
    if (shape[axis] < 0) c.fail(fmt::format("pads cut dimension {} to {}", axis, shape[axis]));
  }
  c.check_size(shape, x.dtype());
  const std::string mode = c.attribute("mode", "constant");
  const PadMode how = mode == "constant"  ? PadMode::kConstant
                      : mode == "reflect" ? PadMode::kReflect
                      : mode == "edge"    ? PadMode::kReplicate
                      : mode == "wrap"    ? PadMode::kCircular
                                          : pad_mode_from_name(mode);
  if (how == PadMode::kConstant && x.dtype() == kBool)
    return {pad(x, pairs, how, value.is_real() ? value.real() != 0 : value.integer() != 0)};
  return {pad(x, pairs, how, value)};
}

Values depth_to_space(Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t b = c.required_integer("blocksize");
  const std::string mode = c.attribute("mode", "DCR");
  if (x.rank() != 4 || b < 1 || b > (1 << 15) || x.shape()[1] % (b * b) != 0)
    c.fail(fmt::format("blocksize {} of x {}", b, to_string(x.shape())));
  if (mode == "CRD") return {pixel_shuffle(x, b)};
  if (mode != "DCR") c.fail(fmt::format("mode '{}'; expected DCR or CRD", mode));
  const Shape& s = x.shape();
  const std::int64_t depth = s[1] / (b * b);
  const Tensor y = permute(reshape(x, {s[0], b, b, depth, s[2], s[3]}), {0, 3, 4, 1, 5, 2});
  return {reshape(y, {s[0], depth, s[2] * b, s[3] * b})};
}

Values space_to_depth(Call& c) {
  const Tensor& x = c.in(0);
  const std::int64_t b = c.required_integer("blocksize");
  if (x.rank() != 4 || b < 1 || b > (1 << 15) || x.shape()[2] % b != 0 || x.shape()[3] % b != 0)
    c.fail(fmt::format("blocksize {} of x {}", b, to_string(x.shape())));
  const std::string mode = c.attribute("mode", "DCR");
  if (mode == "CRD") return {pixel_unshuffle(x, b)};
  if (mode != "DCR") c.fail(fmt::format("mode '{}'; expected DCR or CRD", mode));
  const Shape& s = x.shape();
  const Tensor y = permute(reshape(x, {s[0], s[1], s[2] / b, b, s[3] / b, b}), {0, 3, 5, 1, 2, 4});
  return {reshape(y, {s[0], s[1] * b * b, s[2] / b, s[3] / b})};
}

Values triangle(Call& c) {
  const std::int64_t diagonal = c.has(1) ? c.integer(1) : 0;
  const bool upper = c.attribute("upper", std::int64_t{1}) != 0;
  return {upper ? triu(c.in(0), diagonal) : tril(c.in(0), diagonal)};
}

Values shape_of(Call& c) {
  const Shape& shape = c.in(0).shape();
  const std::int64_t rank = shape.rank();
  const auto bound = [&](std::int64_t v) {
    return std::clamp<std::int64_t>(v < 0 ? v + rank : v, 0, rank);
  };
  const std::int64_t from = bound(c.attribute("start", std::int64_t{0}));
  const std::int64_t to = bound(c.attribute("end", rank));
  std::vector<std::int64_t> sizes;
  for (std::int64_t d = from; d < to; ++d) sizes.push_back(shape[static_cast<int>(d)]);
  c.set_known(0, true);
  const auto count = static_cast<std::int64_t>(sizes.size());
  return {tensor(sizes, {count})};
}

Values size_of_all(Call& c) {
  c.set_known(0, true);
  return {tensor(std::vector<std::int64_t>{c.in(0).numel()}, {})};
}

Values cast_of(Call& c) { return {cast(c.in(0), c.dtype_attribute("to", kFloat32))}; }
Values cast_like(Call& c) { return {cast(c.in(0), c.in(1).dtype())}; }

}  // namespace

std::vector<Operator> shape_operators() {
  constexpr auto kAny = Types::kAny;
  constexpr std::uint32_t rest = kFixedFromSecond;
  return {
      {"Cast", 6, cast_of, kAny},
      {"CastLike", 15, cast_like, kAny, bit(1)},
      {"Concat", 1, concat_of, kAny},
      {"DepthToSpace", 1, depth_to_space, kAny},
      {"Expand", 8, expand_of, kAny, rest},
      {"Flatten", 1, flatten_of, kAny},
      {"Identity", 1, identity, kAny},
      {"Pad", 1, pad_of, Types::kFirst, rest},
      {"Reshape", 1, reshape_of, kAny, rest},
      {"Shape", 1, shape_of, kAny},
      {"Size", 1, size_of_all, kAny},
      {"Slice", 1, slice_of, kAny, rest},
      {"SpaceToDepth", 1, space_to_depth, kAny},
      {"Split", 1, split_of, kAny, rest},
      {"Squeeze", 1, squeeze_of, kAny, rest},
      {"Tile", 1, tile_of, kAny, rest},
      {"Transpose", 1, transpose_of, kAny},
      {"Trilu", 14, triangle, kAny, rest},
      {"Unsqueeze", 1, unsqueeze_of, kAny, rest},
  };
}

}  // namespace catena::onnx
