#include <algorithm>
#include <cmath>

#include "op_suite.hpp"

namespace catena::test {
namespace {

using op::Resize;
using op::ResizeAdjoint;

// The weight of entry j of `in` in entry i of `out`.
double weight(const Resize& op, int d, std::int64_t in, std::int64_t out, std::int64_t i,
              std::int64_t j) {
  const double n = static_cast<double>(in), m = static_cast<double>(out),
               at = static_cast<double>(i), entry = static_cast<double>(j);
  if (op.mode == "area") {
    const double begin = std::floor(at * n / m), end = std::ceil((at + 1) * n / m);
    return entry >= begin && entry < end ? 1 / (end - begin) : 0;
  }
  const double s = op.scales.empty() ? m / n : op.scales[static_cast<std::size_t>(d)];
  double x = (at + 0.5) / s - 0.5;
  if (op.coordinate_mode == "asymmetric") x = at / s;
  if (op.coordinate_mode == "align_corners") x = out == 1 ? 0 : at * (n - 1) / (m - 1);
  if (op.coordinate_mode == "pytorch_half_pixel" && out == 1) x = 0;
  const auto is_at = [&](double k) { return std::clamp(k, 0.0, n - 1) == entry; };
  if (op.mode == "nearest") {
    const double up = std::floor(x + 0.5 + 1e-9), down = std::ceil(x - 0.5 - 1e-9);
    return is_at(op.nearest_mode == "floor"               ? std::floor(x + 1e-9)
                 : op.nearest_mode == "ceil"              ? std::ceil(x - 1e-9)
                 : op.nearest_mode == "round_prefer_ceil" ? up
                                                          : down);
  }
  double total = 0, sum = 0;
  const double low = std::floor(x), a = op.cubic_coeff_a;
  for (double k = low - 1; k <= low + 2; ++k) {
    const double t = std::abs(x - k);
    double w = std::max(0.0, 1 - t);
    if (op.mode == "cubic")
      w = t <= 1  ? (a + 2) * t * t * t - (a + 3) * t * t + 1
          : t < 2 ? a * t * t * t - 5 * a * t * t + 8 * a * t - 4 * a
                  : 0;
    if (op.exclude_outside && (k < 0 || k > n - 1)) continue;
    total += w;
    if (is_at(k)) sum += w;
  }
  return op.exclude_outside ? sum / total : sum;
}

// y = W x along dimension `dim` of x, which becomes `out` long; the transposed W of the adjoint.
Array along(const Resize& op, bool transposed, const Array& x, int dim, int d, std::int64_t out) {
  Shape shape = x.shape;
  const std::int64_t in = shape[dim];
  shape[dim] = out;
  Array y(shape);
  for_each_index(shape, [&](const Shape& at) {
    Shape from = at;
    for (std::int64_t j = 0; j < in; ++j) {
      from[dim] = j;
      const double w =
          transposed ? weight(op, d, out, in, j, at[dim]) : weight(op, d, in, out, at[dim], j);
      if (w != 0) y.at(at) += w * x.at(from);
    }
  });
  return y;
}

Reference resized(const Resize& op, bool transposed, const Shape& sizes) {
  return reference([=](const std::vector<Array>& in) {
    Array y = in[0];
    const int front = y.shape.rank() - sizes.rank();
    for (int d = 0; d < sizes.rank(); ++d) y = along(op, transposed, y, front + d, d, sizes[d]);
    return y;
  });
}

OpSample larger(const char* name, const Resize& op, const Shape& x) {
  return sample(name, op, {uniform(x)}, resized(op, false, op.size))
      .only(kFloatTypes)
      .tolerance(5e-6, 1e-11);
}
OpSample adjoint(const char* name, const Resize& op, const Shape& x, const Shape& back) {
  const ResizeAdjoint a{back,
                        op.scales,
                        op.mode,
                        op.coordinate_mode,
                        op.nearest_mode,
                        op.cubic_coeff_a,
                        op.exclude_outside};
  return sample(name, a, {uniform(x)}, resized(op, true, back)).tolerance(5e-6, 1e-11);
}

}  // namespace

std::vector<OpSample> samples_Resize() {
  std::vector<OpSample> list{
      larger("nearest", {{5, 7}}, {2, 1, 3, 4}),
      larger("nearest_floor",
             {.size = {7}, .coordinate_mode = "asymmetric", .nearest_mode = "floor"}, {2, 2, 3}),
      larger("nearest_ceil",
             {.size = {4}, .coordinate_mode = "align_corners", .nearest_mode = "ceil"}, {2, 2, 7}),
      larger("nearest_up", {.size = {6}, .nearest_mode = "round_prefer_ceil"}, {2, 2, 4}),
      larger("nearest_smaller", {.size = {2, 2, 3}}, {1, 2, 3, 5, 4}),
      larger("linear", {.size = {7}, .mode = "linear"}, {2, 2, 4}),
      larger("bilinear", {.size = {6, 5}, .mode = "linear"}, {1, 2, 3, 4}),
      larger("bilinear_corners",
             {.size = {5, 1}, .mode = "linear", .coordinate_mode = "align_corners"}, {1, 2, 3, 4}),
      larger("bilinear_scales", {.size = {4, 5}, .scales = {1.5, 1.3}, .mode = "linear"},
             {1, 2, 3, 4}),
      larger("bilinear_smaller", {.size = {2, 3}, .mode = "linear"}, {1, 1, 5, 7}),
      larger("trilinear", {.size = {3, 4, 5}, .mode = "linear"}, {1, 1, 2, 3, 2}),
      larger("asymmetric", {.size = {5, 6}, .mode = "linear", .coordinate_mode = "asymmetric"},
             {1, 1, 3, 4}),
      larger("pytorch_half_pixel",
             {.size = {1, 6}, .mode = "linear", .coordinate_mode = "pytorch_half_pixel"},
             {1, 1, 3, 4}),
      larger("bicubic", {.size = {6, 5}, .mode = "cubic"}, {1, 2, 4, 3}),
      larger("bicubic_outside",
             {.size = {7, 3}, .mode = "cubic", .cubic_coeff_a = -0.5, .exclude_outside = true},
             {1, 1, 4, 5}),
      larger("area", {.size = {2, 5}, .mode = "area"}, {1, 2, 5, 3}),
      larger("one_entry", {.size = {3, 4}, .mode = "linear"}, {2, 1, 1, 1}),
      larger("no_samples", {.size = {3, 4}, .mode = "linear"}, {0, 1, 2, 2}),
      larger("large", {.size = {61, 90}, .mode = "linear"}, {3, 7, 30, 50}).no_gradient(),
      larger("large_nearest", {.size = {61, 90}}, {3, 7, 30, 50}).no_gradient()};
  OpSample whole = sample("integers", Resize{{5, 3}}, {uniform({1, 2, 2, 4}, 0, 9)},
                          resized(Resize{{5, 3}}, false, {5, 3}))
                       .no_gradient()
                       .exact();
  whole.inputs[0].whole = true;
  list.push_back(whole);
  const auto wrong = [&](const char* name, const Resize& op, InputSpec x, const char* error) {
    list.push_back(fails(name, op, {std::move(x)}, error));
  };
  wrong(
      "mode", {.size = {2}, .mode = "lineal"}, uniform({1, 1, 3}),
      "[resize] unknown mode \"lineal\"; expected \"nearest\", \"linear\", \"cubic\" or \"area\"");
  wrong("coordinates", {.size = {2}, .coordinate_mode = "half"}, uniform({1, 1, 3}),
        "[resize] unknown coordinate_mode \"half\"");
  wrong("rounding", {.size = {2}, .nearest_mode = "up"}, uniform({1, 1, 3}),
        "[resize] unknown nearest_mode \"up\"");
  wrong("no_size", {}, uniform({1, 1, 3}),
        "[resize] size is [] for x [1, 1, 3]; expected the sizes of one or more of its last");
  wrong("zero", {{0}}, uniform({1, 1, 3}),
        "[resize] dimension 2 goes from 3 to 0 entries; expected 1 or more");
  wrong("from_nothing", {{2}}, uniform({1, 1, 0}), "[resize] dimension 2 goes from 0 to 2 entries");
  wrong("scales", {.size = {2}, .scales = {1, 2}}, uniform({1, 1, 3}),
        "[resize] 2 scales for size [2]; expected one each, or none");
  wrong("negative_scale", {.size = {2}, .scales = {-1}}, uniform({1, 1, 3}),
        "[resize] a scale is -1; expected a positive number");
  wrong("linear_integers", {.size = {2}, .mode = "linear"}, integers({1, 1, 3}, 0, 3),
        "[resize] x is int64; expected float32 or float64");
  return list;
}

std::vector<OpSample> samples_ResizeAdjoint() {
  return {adjoint("nearest", {}, {2, 1, 5, 7}, {3, 4}),
          adjoint("nearest_smaller", {}, {1, 2, 2}, {5}),
          adjoint("bilinear", {.mode = "linear"}, {1, 2, 6, 5}, {3, 4}),
          adjoint("bicubic", {.mode = "cubic"}, {1, 2, 5, 6}, {4, 3}),
          adjoint("area", {.mode = "area"}, {1, 2, 2, 5}, {5, 3}),
          adjoint("scales", {.scales = {1.3}, .mode = "linear"}, {1, 2, 5}, {4}),
          adjoint("large", {.mode = "linear"}, {3, 7, 61, 90}, {30, 50}).no_gradient(),
          fails("integers", ResizeAdjoint{{2}}, {integers({1, 1, 3}, 0, 3)},
                "[resize_adjoint] x is int64; expected float32 or float64"),
          fails("zero", ResizeAdjoint{{0}}, {uniform({1, 1, 3})},
                "[resize_adjoint] dimension 2 goes from 3 to 0 entries; expected 1 or more")};
}

}  // namespace catena::test
