// Images of another size.
#include "catena/ops/resize.hpp"

#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/shape.hpp"
#include "catena/serialization/onnx/import/operators.hpp"

namespace catena::onnx {
namespace {

// How one dimension is resized.
struct Axis {
  std::int64_t in = 1, out = 1;
  double scale = 1;
  double length = 1;          // in * scale, which `out` is rounded from
  double begin = 0, end = 1;  // of the part that tf_crop_and_resize takes
};

struct Plan {
  std::string mode = "nearest", coordinates = "half_pixel", nearest = "round_prefer_floor";
  double cubic_a = -0.75, outside = 0;
  bool exclude_outside = false, antialias = false;
  std::vector<Axis> axes;
};

// Where entry i of the result lies in x.
double coordinate(const Plan& p, const Axis& a, double i) {
  const double in = static_cast<double>(a.in);
  if (p.coordinates == "asymmetric") return i / a.scale;
  if (p.coordinates == "tf_half_pixel_for_nn") return (i + 0.5) / a.scale;
  if (p.coordinates == "align_corners") return a.out > 1 ? i * (in - 1) / (a.length - 1) : 0;
  if (p.coordinates == "pytorch_half_pixel" && a.out <= 1) return 0;
  if (p.coordinates == "tf_crop_and_resize")
    return a.out > 1 ? a.begin * (in - 1) + i * (a.end - a.begin) * (in - 1) / (a.length - 1)
                     : 0.5 * (a.begin + a.end) * (in - 1);
  const double middle = (i + 0.5) / a.scale - 0.5;
  if (p.coordinates == "half_pixel_symmetric")
    return in / 2 * (1 - static_cast<double>(a.out) / a.length) + middle;
  return middle;
}

double kernel(const Plan& p, double x) {
  x = std::abs(x);
  if (p.mode == "linear") return std::max(0.0, 1 - x);
  // Keys (1981).
  const double a = p.cubic_a;
  if (x <= 1) return ((a + 2) * x - (a + 3)) * x * x + 1;
  return x < 2 ? ((a * x - 5 * a) * x + 8 * a) * x - 4 * a : 0;
}

double rounded(const std::string& mode, double x) {
  if (mode == "floor") return std::floor(x);
  if (mode == "ceil") return std::ceil(x);
  return mode == "round_prefer_ceil" ? std::floor(x + 0.5) : std::ceil(x - 0.5);
}

// The weights [out, in] of one dimension; rows of what lies outside are zeros, and `inside` is 0.
std::vector<double> weights(const Plan& p, const Axis& a, std::vector<double>* inside) {
  std::vector<double> w(static_cast<std::size_t>(a.in * a.out));
  const double last = static_cast<double>(a.in - 1);
  for (std::int64_t i = 0; i < a.out; ++i) {
    double* row = w.data() + i * a.in;
    const auto at = [&](double k) -> double& {
      return row[static_cast<std::int64_t>(std::clamp(k, 0.0, last))];
    };
    const double x = coordinate(p, a, static_cast<double>(i));
    if (p.coordinates == "tf_crop_and_resize" && (x < 0 || x > last)) {
      (*inside)[static_cast<std::size_t>(i)] = 0;
      continue;
    }
    if (p.mode == "nearest") {
      at(rounded(p.nearest, x)) = 1;
      continue;
    }
    const double squeeze = p.antialias ? std::min(a.scale, 1.0) : 1.0;
    const double reach = (p.mode == "linear" ? 1 : 2) / squeeze;
    double total = 0;
    std::vector<std::pair<double, double>> taken;
    for (double k = std::floor(x - reach) + 1; k < x + reach; ++k) {
      if (p.exclude_outside && (k < 0 || k > last)) continue;
      taken.emplace_back(k, kernel(p, (k - x) * squeeze));
      total += taken.back().second;
    }
    const bool normalise = p.exclude_outside || p.antialias;
    for (const auto& [k, weight] : taken) at(k) += normalise ? weight / total : weight;
  }
  return w;
}

// y[.., i, ..] = sum_j w[i, j] x[.., j, ..] along dimension d.
Tensor apply(const Tensor& x, int d, const Axis& a, const std::vector<double>& w) {
  const Tensor matrix = tensor(w, {a.out, a.in}, {x.dtype(), x.device()});
  return movedim(matmul(movedim(x, d, -1), transpose(matrix, 0, 1)), -1, d);
}

bool is_held_by_op(const Plan& p) {
  if (p.antialias || (p.coordinates != "half_pixel" && p.coordinates != "pytorch_half_pixel" &&
                      p.coordinates != "align_corners" && p.coordinates != "asymmetric"))
    return false;
  return p.coordinates != "align_corners" || std::ranges::all_of(p.axes, [](const Axis& a) {
           return a.length == static_cast<double>(a.out);
         });
}

Tensor resized(Call& c, const Tensor& x, const Plan& p, bool by_scales) {
  Shape shape;
  for (const Axis& a : p.axes) shape.push_back(a.out);
  c.check_size(shape, x.dtype());
  if (shape == x.shape() && p.coordinates != "tf_crop_and_resize" && !by_scales) return x;
  if (is_held_by_op(p)) {
    std::size_t first = 0;
    while (first + 1 < p.axes.size() && p.axes[first].in == p.axes[first].out &&
           p.axes[first].scale == 1)
      ++first;
    op::Resize op;
    op.mode = p.mode;
    op.coordinate_mode = p.coordinates;
    op.nearest_mode = p.nearest;
    op.cubic_coeff_a = p.cubic_a;
    op.exclude_outside = p.exclude_outside;
    for (std::size_t d = first; d < p.axes.size(); ++d) {
      op.size.push_back(p.axes[d].out);
      if (by_scales) op.scales.push_back(p.axes[d].scale);
    }
    return call(op, {x});
  }
  Tensor y = is_floating(x.dtype()) ? x : cast(x, kFloat64);
  Tensor outside;
  for (int d = 0; d < x.rank(); ++d) {
    const Axis& a = p.axes[static_cast<std::size_t>(d)];
    std::vector<double> inside(static_cast<std::size_t>(a.out), 1);
    const std::vector<double> w = weights(p, a, &inside);
    if (a.in != a.out || a.scale != 1 || p.coordinates == "tf_crop_and_resize")
      y = apply(y, d, a, w);
    if (p.outside == 0 || std::ranges::count(inside, 0.0) == 0) continue;
    Shape along = Shape::filled(x.rank(), 1);
    along[d] = a.out;
    const Tensor is_outside = tensor(inside, along, {y.dtype(), y.device()}) < 0.5;
    y = where(is_outside, p.outside, y);
  }
  return y;
}

Plan read_plan(Call& c) {
  Plan p;
  p.mode = c.attribute("mode", "nearest");
  if (p.mode != "nearest" && p.mode != "linear" && p.mode != "cubic")
    c.fail(fmt::format("mode '{}'; expected nearest, linear or cubic", p.mode));
  if (c.opset() < 11) {
    p.coordinates = "asymmetric";
    p.nearest = "floor";
    return p;
  }
  p.coordinates = c.attribute("coordinate_transformation_mode", "half_pixel");
  static constexpr const char* kKnown[] = {
      "half_pixel",           "pytorch_half_pixel", "align_corners",       "asymmetric",
      "tf_half_pixel_for_nn", "tf_crop_and_resize", "half_pixel_symmetric"};
  if (std::ranges::none_of(kKnown, [&](const char* known) { return p.coordinates == known; }))
    c.unsupported(fmt::format("coordinate_transformation_mode '{}'", p.coordinates));
  p.nearest = c.attribute("nearest_mode", "round_prefer_floor");
  p.cubic_a = c.attribute("cubic_coeff_a", -0.75);
  p.outside = c.attribute("extrapolation_value", 0.0);
  p.exclude_outside = c.attribute("exclude_outside", std::int64_t{0}) != 0;
  p.antialias = c.attribute("antialias", std::int64_t{0}) != 0 && p.mode != "nearest";
  return p;
}

// Numbers of `scales` or `sizes` are for the axes in `axes`, in order.
std::vector<int> axes_of(Call& c, const Tensor& x) {
  std::vector<int> axes;
  if (const auto given = c.integers("axes")) {
    for (const std::int64_t axis : *given) axes.push_back(c.axis(axis, x.rank()));
  } else {
    for (int d = 0; d < x.rank(); ++d) axes.push_back(d);
  }
  return axes;
}

void set_scale(Call& c, Axis* a, double scale) {
  if (!(scale > 0) || std::isinf(scale)) c.fail(fmt::format("a scale is {}", scale));
  a->scale = scale;
  // Scales are float32: 1.1f times 10 is 11.000000238.
  a->length = static_cast<double>(a->in) * scale;
  const double size = std::floor(a->length);
  if (size > 1e12) c.fail(fmt::format("a size would be {}", size));
  a->out = static_cast<std::int64_t>(size);
  if (a->out < 1) c.fail(fmt::format("a dimension of {} entries would vanish", a->in));
}

Values resize(Call& c) {
  const Tensor& x = c.in(0);
  Plan p = read_plan(c);
  for (const std::int64_t size : x.shape()) {
    Axis a;
    a.in = a.out = size;
    a.length = static_cast<double>(size);
    p.axes.push_back(a);
  }
  const std::vector<int> axes = axes_of(c, x);
  const int scales_input = c.opset() < 11 ? 1 : 2;
  const auto axis = [&](std::size_t i) -> Axis& {
    return p.axes[static_cast<std::size_t>(axes[i])];
  };
  if (p.coordinates == "tf_crop_and_resize") {
    const std::vector<double> roi = c.reals(1);
    if (roi.size() != 2 * axes.size()) c.fail("roi must have two numbers for each axis");
    for (std::size_t i = 0; i < axes.size(); ++i) {
      axis(i).begin = roi[i];
      axis(i).end = roi[i + axes.size()];
    }
  }
  const bool by_scales = c.has(scales_input) && c.in(scales_input).numel() > 0;
  if (by_scales) {
    const std::vector<double> scales = c.reals(scales_input);
    if (scales.size() != axes.size())
      c.fail(fmt::format("{} scales for {} axes", scales.size(), axes.size()));
    for (std::size_t i = 0; i < axes.size(); ++i) set_scale(c, &axis(i), scales[i]);
    return {resized(c, x, p, true)};
  }
  const std::vector<std::int64_t> sizes = c.integers(3);
  if (sizes.size() != axes.size())
    c.fail(fmt::format("{} sizes for {} axes", sizes.size(), axes.size()));
  const std::string policy = c.attribute("keep_aspect_ratio_policy", "stretch");
  double common = 0;
  for (std::size_t i = 0; i < axes.size(); ++i) {
    if (sizes[i] < 1 || axis(i).in < 1) c.fail(fmt::format("a size is {}", sizes[i]));
    const double ratio = static_cast<double>(sizes[i]) / static_cast<double>(axis(i).in);
    if (i == 0)
      common = ratio;
    else
      common = policy == "not_larger" ? std::min(common, ratio) : std::max(common, ratio);
  }
  for (std::size_t i = 0; i < axes.size(); ++i) {
    Axis& a = axis(i);
    a.out = policy == "stretch"
                ? sizes[i]
                : static_cast<std::int64_t>(std::floor(common * static_cast<double>(a.in) + 0.5));
    a.scale = policy == "stretch" ? static_cast<double>(a.out) / static_cast<double>(a.in) : common;
    a.length = static_cast<double>(a.out);
  }
  return {resized(c, x, p, policy != "stretch")};
}

// Resize's predecessor: entries are taken from floor(i / scale).
Values upsample(Call& c) {
  const Tensor& x = c.in(0);
  Plan p;
  p.mode = c.attribute("mode", "nearest");
  if (p.mode != "nearest") p.mode = "linear";
  p.coordinates = "asymmetric";
  p.nearest = "floor";
  const std::vector<double> scales =
      c.opset() < 9 ? c.reals("scales").value_or(std::vector<double>{}) : c.reals(1);
  if (scales.size() != x.shape().size())
    c.fail(fmt::format("{} scales for x {}", scales.size(), to_string(x.shape())));
  for (int d = 0; d < x.rank(); ++d) {
    Axis a;
    a.in = x.shape()[d];
    set_scale(c, &a, scales[static_cast<std::size_t>(d)]);
    p.axes.push_back(a);
  }
  return {resized(c, x, p, true)};
}

}  // namespace

std::vector<Operator> resize_operators() {
  return {
      {"Resize", 10, resize, Types::kFirst, kFixedFromSecond},
      {"Upsample", 7, upsample, Types::kFirst, kFixedFromSecond},
      {"Upsample", 10, nullptr},
  };
}

}  // namespace catena::onnx
