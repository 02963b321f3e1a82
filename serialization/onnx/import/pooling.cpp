// Pooling over windows and over whole images.
#include "catena/ops/pooling.hpp"

#include <algorithm>
#include <limits>

#include <fmt/format.h>

#include "catena/ops/convolution.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/gather.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/pad.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/statistics.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"
#include "catena/serialization/onnx/import/window.hpp"

namespace catena::onnx {
namespace {

struct Pooling {
  Window window;
  bool ceil_mode = false;
  // x as the op is given it: entries that the op's own pads cannot hold are put around it.
  Tensor x;
  Shape front;  // of those, per spatial dimension
  bool bordered = false;
};

std::vector<PadPair> pairs(const Shape& before, const Shape& after) {
  std::vector<PadPair> list;
  for (int d = 0; d < before.rank(); ++d) list.emplace_back(before[d], after[d]);
  return list;
}

Shape kernel_of(Call& c, const Shape& spatial) {
  const auto kernel = c.integers("kernel_shape");
  if (!kernel || kernel->size() != static_cast<std::size_t>(spatial.rank()))
    c.fail(fmt::format("kernel_shape must have {} numbers", spatial.rank()));
  for (const std::int64_t k : *kernel)
    if (k < 1 || k > (1 << 30)) c.fail(fmt::format("kernel_shape holds {}", k));
  return Shape(*kernel);
}

// Pads of more than half of a window, which the ops do not take.
bool exceeds_half(const Window& w) {
  for (int d = 0; d < w.kernel.rank(); ++d)
    if (std::max(w.before[d], w.after[d]) > (w.dilation[d] * (w.kernel[d] - 1) + 1) / 2)
      return true;
  return false;
}

void check_padded(Call& c, const Shape& before, const Shape& after) {
  Shape shape = c.in(0).shape();
  for (int d = 0; d < before.rank(); ++d) shape[d + 2] += before[d] + after[d];
  c.check_size(shape, c.in(0).dtype());
}

Pooling read_pooling(Call& c, Scalar border) {
  Pooling p;
  p.x = c.in(0);
  const Shape spatial = spatial_of(c, p.x);
  p.window = read_window(c, kernel_of(c, spatial), spatial);
  p.ceil_mode = c.attribute("ceil_mode", std::int64_t{0}) != 0;
  Window& w = p.window;
  p.front = Shape::filled(spatial.rank(), 0);
  p.bordered = exceeds_half(w);
  if (p.bordered) {
    check_padded(c, w.before, w.after);
    p.x = pad(p.x, pairs(w.before, w.after), PadMode::kConstant, border);
    p.front = w.before;
    w.before = w.after = Shape::filled(spatial.rank(), 0);
  }
  return p;
}

bool is_plain(const Shape& dilation) {
  return std::all_of(dilation.begin(), dilation.end(), [](std::int64_t d) { return d == 1; });
}

// Where entries are in the whole tensor: row-major, or with storage_order 1 each image by columns.
Tensor whole_indices(Call& c, const Pooling& p, const Tensor& in_image) {
  const Shape padded = spatial_of(c, p.x), spatial = spatial_of(c, c.in(0));
  const int count = spatial.rank();
  const bool by_columns = c.attribute("storage_order", std::int64_t{0}) != 0;
  Tensor rest = in_image, where = zeros({}, {kInt64, in_image.device()});
  std::int64_t step = 1;
  std::vector<Tensor> at(static_cast<std::size_t>(count));
  for (int d = count - 1; d >= 0; --d) {
    const Tensor size = number_like(rest, padded[d]);
    at[static_cast<std::size_t>(d)] = remainder(rest, size, true) - p.front[d];
    rest = quotient(rest, size);
  }
  for (int i = 0; i < count; ++i) {
    const int d = by_columns ? i : count - 1 - i;
    where = where + at[static_cast<std::size_t>(d)] * step;
    step *= spatial[d];
  }
  Shape shape = Shape::filled(count + 2, 1);
  shape[0] = c.in(0).shape()[0];
  shape[1] = c.in(0).shape()[1];
  std::vector<std::int64_t> image(static_cast<std::size_t>(shape[0] * shape[1]));
  for (std::size_t i = 0; i < image.size(); ++i)
    image[i] = static_cast<std::int64_t>(i) * spatial.numel();
  return where + tensor(image, shape).to(in_image.device());
}

Values max_pool(Call& c) {
  // Of integers too, which float64 holds.
  const bool real = is_floating(c.in(0).dtype());
  Pooling p = read_pooling(
      c, real ? Scalar(-std::numeric_limits<double>::infinity()) : Scalar(std::int64_t{0}));
  if (!real && p.bordered) c.unsupported("pads of more than half of the window for integers");
  const Window& w = p.window;
  const op::MaxPool op{w.kernel, w.stride, w.before, w.after, w.dilation, p.ceil_mode};
  Values y = catena::call(OpValue(op_info<op::MaxPool>(), &op),
                          std::vector<Tensor>{real ? p.x : p.x.to(kFloat64)});
  if (!c.wants(1)) return {y[0]};
  return {y[0], whole_indices(c, p, y[1])};
}

// Sums over the windows of x, whose pads are in it already.
Tensor sums(const Window& w, const Tensor& x) {
  const Shape none = Shape::filled(w.kernel.rank(), 0);
  if (is_plain(w.dilation))
    return call(op::AvgPool{w.kernel, w.stride, none, none, false, true, 1}, {x});
  Shape shape{x.shape()[1], 1};
  for (const std::int64_t k : w.kernel) shape.push_back(k);
  return call(op::Conv{w.stride, none, none, w.dilation, x.shape()[1]},
              {x, ones(shape, {x.dtype(), x.device()})});
}

// x with its pads, and as many zeros more as the last window needs with ceil_mode. Sizes before
// those come back in `padded`.
Tensor with_pads(Call& c, const Window& w, bool ceil_mode, Shape* padded, Shape* beyond) {
  const Tensor& x = c.in(0);
  const Shape spatial = spatial_of(c, x);
  Shape after = w.after;
  for (int d = 0; d < spatial.rank(); ++d) {
    const std::int64_t size = spatial[d] + w.before[d] + w.after[d];
    const std::int64_t room = size - w.dilation[d] * (w.kernel[d] - 1) - 1;
    if (room < 0)
      c.fail(fmt::format("the window {} with dilation {} does not fit into {}", to_string(w.kernel),
                         to_string(w.dilation), to_string(x.shape())));
    padded->push_back(size);
    std::int64_t more = 0;
    // Windows that would begin behind x and its pads in front do not count.
    if (ceil_mode && room % w.stride[d] != 0 &&
        (room / w.stride[d] + 1) * w.stride[d] < spatial[d] + w.before[d])
      more = w.stride[d] - room % w.stride[d];
    beyond->push_back(more);
    after[d] += more;
  }
  check_padded(c, w.before, after);
  return pad(x, pairs(w.before, after));
}

Values average_pool(Call& c) {
  const Shape spatial = spatial_of(c, c.in(0));
  const Window w = read_window(c, kernel_of(c, spatial), spatial);
  const bool ceil_mode = c.attribute("ceil_mode", std::int64_t{0}) != 0;
  const bool whole = c.attribute("count_include_pad", std::int64_t{0}) != 0;
  if (is_plain(w.dilation) && !exceeds_half(w))
    return {
        call(op::AvgPool{w.kernel, w.stride, w.before, w.after, ceil_mode, whole, 0}, {c.in(0)})};
  Shape padded, beyond;
  const Tensor x = with_pads(c, w, ceil_mode, &padded, &beyond);
  // How many entries of each window count.
  Shape counted{1, x.shape()[1]}, front = w.before, behind = w.after;
  for (int d = 0; d < spatial.rank(); ++d) {
    counted.push_back(whole ? padded[d] : spatial[d]);
    if (whole) front[d] = behind[d] = 0;
    behind[d] += beyond[d];
  }
  const Tensor mask = pad(ones(counted, {x.dtype(), x.device()}), pairs(front, behind));
  return {sums(w, x) / sums(w, mask)};
}

double order_of(Call& c) {
  return c.opset() < 2 ? c.attribute("p", 2.0)
                       : static_cast<double>(c.attribute("p", std::int64_t{2}));
}

Values lp_pool(Call& c) {
  const Shape spatial = spatial_of(c, c.in(0));
  const Window w = read_window(c, kernel_of(c, spatial), spatial);
  Shape padded, beyond;
  const Tensor x =
      with_pads(c, w, c.attribute("ceil_mode", std::int64_t{0}) != 0, &padded, &beyond);
  const double order = order_of(c);
  return {pow(sums(w, pow(abs(x), order)), 1 / order)};
}

// The entries of x where max_pool took them from, zeros elsewhere.
Values max_unpool(Call& c) {
  const Tensor &x = c.in(0), &index = c.in(1);
  const Shape spatial = spatial_of(c, x);
  Shape shape{x.shape()[0], x.shape()[1]};
  const Window w = read_window(c, kernel_of(c, spatial), spatial);
  for (int d = 0; d < spatial.rank(); ++d)
    shape.push_back((spatial[d] - 1) * w.stride[d] + w.kernel[d] - w.before[d] - w.after[d]);
  // Indices count in the tensor of these sizes, whatever is asked for.
  Shape result = shape;
  if (c.has(2)) result = c.shape(c.integers(2));
  if (result.rank() != shape.rank()) c.fail("output_shape has another number of dimensions");
  c.check_size(result, x.dtype());
  c.check_size(shape, x.dtype());
  const Tensor flat = scatter(zeros({shape.numel()}, {x.dtype(), x.device()}), 0,
                              reshape(index, {index.numel()}), reshape(x, {x.numel()}));
  Tensor y = reshape(flat, shape);
  for (int d = 0; d < result.rank(); ++d)
    if (result[d] < shape[d]) c.fail("output_shape is smaller than what was pooled");
  std::vector<PadPair> behind;
  for (int d = 0; d < result.rank(); ++d) behind.emplace_back(0, result[d] - shape[d]);
  return {result == shape ? y : pad(y, behind)};
}

Shape behind_channels(Call& c) {
  Shape dims;
  for (int d = 2; d < spatial_of(c, c.in(0)).rank() + 2; ++d) dims.push_back(d);
  return dims;
}

Values global_average(Call& c) { return {mean(c.in(0), behind_channels(c), true)}; }
Values global_max(Call& c) { return {max(c.in(0), behind_channels(c), true)}; }
Values global_lp(Call& c) { return {norm(c.in(0), order_of(c), behind_channels(c), true)}; }

}  // namespace

std::vector<Operator> pooling_operators() {
  return {
      {"AveragePool", 1, average_pool},
      {"GlobalAveragePool", 1, global_average},
      {"GlobalLpPool", 1, global_lp},
      {"GlobalMaxPool", 1, global_max},
      {"LpPool", 1, lp_pool},
      {"MaxPool", 1, max_pool},
      {"MaxUnpool", 9, max_unpool, Types::kFirst, bit(1) | bit(2)},
  };
}

}  // namespace catena::onnx
