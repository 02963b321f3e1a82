// Images sampled at points of a grid (Jaderberg et al., 2015).
#include <array>

#include <fmt/format.h>

#include "catena/ops/cast.hpp"
#include "catena/ops/concat.hpp"
#include "catena/ops/creation.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/gather.hpp"
#include "catena/ops/logic.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/matmul.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/slice.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

enum class Border { kZeros, kEdge, kReflection };

struct Sampling {
  Border border = Border::kZeros;
  bool align_corners = false;
  Tensor x;        // [N, C, entries]
  Shape sizes;     // of the image
  Shape channels;  // [N, C, points]
};

// Coordinates mirrored at both ends until they lie inside.
Tensor reflected(const Sampling& s, const Tensor& at, std::int64_t size) {
  const double low = s.align_corners ? 0 : -0.5;
  const double span = s.align_corners ? static_cast<double>(size - 1) : static_cast<double>(size);
  if (span <= 0) return at * 0;
  const Tensor from_low = abs(at - low);
  const Tensor turns = floor(from_low / span);
  const Tensor left = from_low - turns * span;
  const Tensor is_odd = greater(turns - 2 * floor(turns / 2), number_like(turns, 0.5));
  return where(is_odd, span - left, left) + low;
}

// Entries at whole coordinates, one tensor [N, points] for each dimension; 0 outside.
Tensor entries(const Sampling& s, const std::vector<Tensor>& at) {
  Tensor flat, inside;
  for (std::size_t d = 0; d < at.size(); ++d) {
    const std::int64_t size = s.sizes[static_cast<int>(d)];
    Tensor whole = at[d];
    if (s.border == Border::kReflection) whole = reflected(s, whole, size);
    const auto last = static_cast<double>(size - 1);
    const Tensor held = clamp(whole, 0, last);
    if (s.border == Border::kZeros) {
      const Tensor here = equal(held, whole);
      inside = inside.defined() ? logical_and(inside, here) : here;
    }
    const Tensor index = cast(round(held), kInt64);
    flat = flat.defined() ? flat * size + index : index;
  }
  const Tensor taken = gather(s.x, 2, expand(unsqueeze(flat, 1), s.channels));
  if (!inside.defined()) return taken;
  return where(unsqueeze(inside, 1), taken, number_like(taken, 0));
}

// The weights of the entries around a point: two of them, or four by Keys (1981) with a = -0.75.
std::vector<Tensor> weights(const Tensor& part, bool cubic) {
  if (!cubic) return {1 - part, part};
  const double a = -0.75;
  const auto near = [&](const Tensor& d) { return ((a + 2) * d - (a + 3)) * d * d + 1; };
  const auto far = [&](const Tensor& d) { return ((a * d - 5 * a) * d + 8 * a) * d - 4 * a; };
  return {far(part + 1), near(part), near(1 - part), far(2 - part)};
}

Values grid_sample(Call& c) {
  const Tensor &x = c.in(0), &grid = c.in(1);
  const int dims = x.rank() - 2;
  if (dims < 1 || grid.rank() != x.rank() || grid.shape().back() != dims ||
      grid.shape()[0] != x.shape()[0])
    c.fail(fmt::format("x {} and grid {}", to_string(x.shape()), to_string(grid.shape())));
  for (int d = 2; d < x.rank(); ++d)
    if (x.shape()[d] < 1) c.fail(fmt::format("x {} has no entries", to_string(x.shape())));
  std::string mode = c.attribute("mode", c.opset() < 20 ? "bilinear" : "linear");
  if (mode == "bilinear") mode = "linear";
  if (mode == "bicubic") mode = "cubic";
  if (mode != "linear" && mode != "cubic" && mode != "nearest")
    c.fail(fmt::format("mode '{}'", mode));
  const std::string border = c.attribute("padding_mode", "zeros");
  Sampling s;
  s.border = border == "zeros"    ? Border::kZeros
             : border == "border" ? Border::kEdge
                                  : Border::kReflection;
  if (s.border == Border::kReflection && border != "reflection")
    c.fail(fmt::format("padding_mode '{}'", border));
  s.align_corners = c.attribute("align_corners", std::int64_t{0}) != 0;
  s.sizes = Shape(x.shape().data() + 2, dims);
  const std::int64_t batch = x.shape()[0];
  std::int64_t points = 1;
  for (int d = 1; d <= dims; ++d) points *= grid.shape()[d];
  s.channels = {batch, x.shape()[1], points};
  s.x = reshape(x, {batch, x.shape()[1], s.sizes.numel()});
  const Tensor flat = reshape(grid, {batch, points, dims});
  // The grid's last entries are x, y (, z): the last dimension first, from -1 to 1.
  std::vector<Tensor> at;
  for (int d = 0; d < dims; ++d) {
    const Tensor g = select(flat, 2, dims - 1 - d);
    const auto size = static_cast<double>(s.sizes[d]);
    Tensor v = s.align_corners ? (g + 1) * ((size - 1) / 2) : ((g + 1) * size - 1) / 2.0;
    // Whole images are mirrored before they are cut into entries.
    if (mode != "cubic" && s.border == Border::kReflection) v = reflected(s, v, s.sizes[d]);
    if (mode != "cubic" && s.border != Border::kZeros) v = clamp(v, 0, size - 1);
    at.push_back(v);
  }
  Tensor y;
  if (mode == "nearest") {
    for (Tensor& v : at) v = round(v);
    y = entries(s, at);
  } else {
    const bool cubic = mode == "cubic";
    const int each = cubic ? 4 : 2;
    std::vector<std::vector<Tensor>> weight;
    std::vector<Tensor> low;
    for (const Tensor& v : at) {
      low.push_back(floor(v));
      weight.push_back(weights(v - low.back(), cubic));
    }
    int corners = 1;
    for (int d = 0; d < dims; ++d) corners *= each;
    for (int corner = 0; corner < corners; ++corner) {
      std::vector<Tensor> place;
      Tensor w;
      for (int d = 0, rest = corner; d < dims; ++d, rest /= each) {
        const auto i = static_cast<std::size_t>(d);
        const Tensor& part = weight[i][static_cast<std::size_t>(rest % each)];
        w = w.defined() ? w * part : part;
        place.push_back(low[i] + (rest % each - (cubic ? 1 : 0)));
      }
      const Tensor term = entries(s, place) * unsqueeze(w, 1);
      y = y.defined() ? y + term : term;
    }
  }
  Shape shape{batch, x.shape()[1]};
  for (int d = 0; d < dims; ++d) shape.push_back(grid.shape()[d + 1]);
  return {reshape(y, shape)};
}

// theta [N, d, d + 1] turns the points of an image of these sizes, from -1 to 1.
Values affine_grid(Call& c) {
  const Tensor& theta = c.in(0);
  const std::vector<std::int64_t> size = c.integers(1);
  const int dims = static_cast<int>(size.size()) - 2;
  if (dims < 2 || dims > 3 || !(theta.shape() == Shape{size[0], dims, dims + 1}))
    c.fail(fmt::format("theta {} for an image of {} dimensions", to_string(theta.shape()),
                       size.size()));
  const bool corners = c.attribute("align_corners", std::int64_t{0}) != 0;
  const Shape sizes = c.shape(std::span(size).subspan(2));
  c.check_size(sizes, kFloat32);
  std::vector<Tensor> axes;
  for (int d = dims - 1; d >= 0; --d) {
    const auto n = static_cast<double>(sizes[d]);
    Tensor steps = linspace(corners ? -1 : -1 + 1 / n, corners ? 1 : 1 - 1 / n, sizes[d],
                            {theta.dtype(), theta.device()});
    if (corners && sizes[d] == 1) steps = zeros({1}, {theta.dtype(), theta.device()});
    Shape along = Shape::filled(dims, 1);
    along[d] = sizes[d];
    axes.push_back(reshape(expand(reshape(steps, along), sizes), {sizes.numel()}));
  }
  axes.push_back(ones({sizes.numel()}, {theta.dtype(), theta.device()}));
  const Tensor grid = matmul(stack(axes, 1), transpose(theta, 1, 2));
  Shape shape{size[0]};
  for (const std::int64_t s : sizes) shape.push_back(s);
  shape.push_back(dims);
  return {reshape(grid, shape)};
}

}  // namespace

std::vector<Operator> sampling_operators() {
  return {
      {"AffineGrid", 20, affine_grid, Types::kFirst, bit(1)},
      {"GridSample", 16, grid_sample},
  };
}

}  // namespace catena::onnx
