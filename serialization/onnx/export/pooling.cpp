#include "catena/ops/pooling.hpp"

#include <algorithm>
#include <limits>

#include "catena/serialization/onnx/export/windows.hpp"

namespace catena::onnx_export {
namespace {

Shape spatial_sizes(Emitter& e, const Value& x, const char* what) {
  return e.fixed({x.shape.begin() + 2, x.shape.end()}, what);
}
bool known_sizes(const Value& x) {
  return std::all_of(x.shape.begin() + 2, x.shape.end(),
                     [](const SymbolicInt& s) { return s.is_constant(); });
}

// Windows, with ceil_mode turned into entries behind where the sizes are known: what ONNX says of
// the last window has changed, and runtimes differ.
struct Windows {
  Shape before, after, beyond;  // `beyond`: behind `after`, only to complete the last window
  bool ceil = false;
};
template <class Op>
Windows windows_of(Emitter& e, const Op& op, const Shape& dilation) {
  Windows w{op.padding_before, op.padding_after, Shape::filled(op.kernel.rank(), 0), op.ceil_mode};
  const Value& x = e.in(0);
  if (!op.ceil_mode || !known_sizes(x)) return w;
  w.ceil = false;
  for (int d = 0; d < op.kernel.rank(); ++d) {
    const std::int64_t out = e.out().size(2 + d).offset(),
                       need = (out - 1) * op.stride[d] + dilation[d] * (op.kernel[d] - 1) + 1,
                       have = x.size(2 + d).offset() + w.before[d] + w.after[d];
    w.beyond[d] = std::max<std::int64_t>(need - have, 0);
  }
  return w;
}

}  // namespace

void export_op(Emitter& e, const op::MaxPool& op) {
  Value x = e.in(0);
  Windows w = windows_of(e, op, op.dilation);
  bool explicit_padding = false;
  for (int d = 0; d < op.kernel.rank(); ++d) {
    w.after[d] += w.beyond[d];
    explicit_padding =
        explicit_padding || w.before[d] >= op.kernel[d] || w.after[d] >= op.kernel[d];
  }
  if (explicit_padding && e.used(1))
    e.refuse(
        "the places of the largest entries are asked for, of windows with more padding than "
        "ONNX allows");
  if (explicit_padding) {
    const double least = is_floating(x.dtype) ? -std::numeric_limits<double>::infinity() : 0;
    x = e.pad(x, with_batch_and_channels(w.before), with_batch_and_channels(w.after), least);
    w.before = w.after = Shape::filled(op.kernel.rank(), 0);
  }
  const SymbolicShape& shape = e.out().shape;
  std::vector<Value> outputs{{"", x.dtype, shape}};
  if (e.used(1)) outputs.push_back({"", kInt64, shape});
  const std::vector<Value> y = e.nodes("MaxPool", {x}, outputs,
                                       {{"ceil_mode", w.ceil ? 1 : 0},
                                        {"dilations", op.dilation},
                                        {"kernel_shape", op.kernel},
                                        {"pads", pads(w.before, w.after)},
                                        {"strides", op.stride}});
  e.result(y[0]);
  // ONNX counts over all of x, we within a channel.
  if (e.used(1)) {
    Value area = e.scalar(x.size(2));
    for (int d = 3; d < x.rank(); ++d) area = e.mul(area, e.scalar(x.size(d)));
    e.result(e.binary("Mod", y[1], area), 1);
  }
}

void export_op(Emitter& e, const op::AvgPool& op) {
  Value x = e.in(0);
  const int rank = op.kernel.rank();
  Windows w = windows_of(e, op, Shape::filled(rank, 1));
  if (op.divisor != 0 && w.ceil)
    e.refuse(
        "a divisor with ceil_mode over sizes that follow an axis; expected sizes that are numbers");
  bool counts = op.count_include_pad, padded = false, more = false;
  for (int d = 0; d < rank; ++d) {
    padded = padded || w.before[d] != 0 || w.after[d] != 0;
    more = more || w.beyond[d] != 0;
  }
  if (op.divisor != 0) {
    // The mean over whole windows, whose zeros are put there.
    for (int d = 0; d < rank; ++d) w.after[d] += w.beyond[d];
    x = e.pad(x, with_batch_and_channels(w.before), with_batch_and_channels(w.after));
    w.before = w.after = w.beyond = Shape::filled(rank, 0);
  } else if (counts && padded && more) {
    // Zeros that count are put there, those beyond them do not count.
    x = e.pad(x, with_batch_and_channels(w.before), with_batch_and_channels(w.after));
    w.before = w.after = Shape::filled(rank, 0);
    counts = false;
  } else if (more) {
    counts = false;
  }
  for (int d = 0; d < rank; ++d) w.after[d] += w.beyond[d];
  Value y = e.node("AveragePool", {x}, x.dtype, e.out().shape,
                   {{"ceil_mode", w.ceil ? 1 : 0},
                    {"count_include_pad", counts ? 1 : 0},
                    {"kernel_shape", op.kernel},
                    {"pads", pads(w.before, w.after)},
                    {"strides", op.stride}});
  if (op.divisor != 0)
    y = e.mul(y,
              e.like(y, static_cast<double>(op.kernel.numel()) / static_cast<double>(op.divisor)));
  e.result(y);
}

// Each entry, divided by the number its window has, is spread by a kernel of ones.
void export_op(Emitter& e, const op::AvgPoolAdjoint& op) {
  const Value& x = e.in(0);
  const int rank = op.kernel.rank();
  const Shape size = e.fixed(e.sizes_of("size"), "'size'"),
              windows = spatial_sizes(e, x, "the number of windows");
  std::vector<double> share{1};
  for (int d = 0; d < rank; ++d) {
    std::vector<double> next;
    for (const double s : share)
      for (std::int64_t o = 0; o < windows[d]; ++o) {
        std::int64_t begin = o * op.stride[d] - op.padding_before[d], end = begin + op.kernel[d];
        end = std::min(end, size[d] + op.padding_after[d]);
        if (!op.count_include_pad) {
          begin = std::max<std::int64_t>(begin, 0);
          end = std::min(end, size[d]);
        }
        next.push_back(op.divisor != 0 ? s : s / static_cast<double>(end - begin));
      }
    share = std::move(next);
  }
  if (op.divisor != 0)
    for (double& s : share) s /= static_cast<double>(op.divisor);
  const Value shares = e.mul(x, e.constant(tensor(share, windows, x.dtype)));
  // Channels as samples of one channel.
  SymbolicShape one{product(x.size(0), x.size(1)), 1}, spread = one, front(2, 0), back(2, 0);
  Shape kernel{1, 1};
  for (int d = 0; d < rank; ++d) {
    const std::int64_t reach = (windows[d] - 1) * op.stride[d] + op.kernel[d];
    one.push_back(windows[d]);
    spread.push_back(reach);
    kernel.push_back(op.kernel[d]);
    front.push_back(-op.padding_before[d]);
    back.push_back(size[d] - (reach - op.padding_before[d]));
  }
  std::vector<std::int64_t> flat{-1, 1};
  flat.insert(flat.end(), windows.begin(), windows.end());
  const Value rows = e.node("Reshape", {shares, e.ints(flat)}, x.dtype, one);
  const Value y = e.node("ConvTranspose", {rows, e.constant(ones(kernel, x.dtype))}, x.dtype,
                         spread, {{"kernel_shape", op.kernel}, {"strides", op.stride}});
  e.result(e.reshape(e.pad(y, front, back), e.out().shape));
}

namespace {

// Window o of `outputs` over n entries.
std::int64_t begin_of(std::int64_t o, std::int64_t n, std::int64_t outputs) {
  return o * n / outputs;
}
std::int64_t end_of(std::int64_t o, std::int64_t n, std::int64_t outputs) {
  return ((o + 1) * n + outputs - 1) / outputs;
}
bool is_one(const Shape& output) {
  return std::all_of(output.begin(), output.end(), [](std::int64_t o) { return o == 1; });
}
// The windows' size, where all have one and they do not overlap; else empty.
Shape even_windows(const Value& x, const Shape& output) {
  Shape kernel;
  for (int d = 0; d < output.rank(); ++d) {
    const SymbolicInt& n = x.size(2 + d);
    if (!n.is_constant() || output[d] == 0 || n.offset() % output[d] != 0) return {};
    kernel.push_back(n.offset() / output[d]);
  }
  return kernel;
}
// Dimension by dimension, `type` over each window.
Value by_windows(Emitter& e, const char* type, const Shape& output) {
  Value y = e.in(0);
  const Shape sizes = spatial_sizes(e, y, "a size that is divided into windows");
  for (int d = 0; d < output.rank(); ++d) {
    std::vector<Value> parts;
    for (std::int64_t o = 0; o < output[d]; ++o)
      parts.push_back(e.reduce(
          type, e.slice(y, 2 + d, begin_of(o, sizes[d], output[d]), end_of(o, sizes[d], output[d])),
          {2 + d}, true));
    y = e.concat(parts, 2 + d);
  }
  return y;
}
// Where the largest entry of each window lies: the windows one after the other.
Value places(Emitter& e, const Shape& output) {
  const Value& x = e.in(0);
  const Shape sizes = spatial_sizes(e, x, "a size that is divided into windows");
  std::vector<Value> parts;
  Shape at = Shape::filled(output.rank(), 0);
  for (std::int64_t o = 0; o < output.numel(); ++o) {
    Value window = x;
    std::vector<std::int64_t> where{0};  // of the window's entries, in x
    for (int d = 0; d < output.rank(); ++d) {
      const std::int64_t begin = begin_of(at[d], sizes[d], output[d]),
                         end = end_of(at[d], sizes[d], output[d]);
      window = e.slice(window, 2 + d, begin, end);
      std::vector<std::int64_t> next;
      for (const std::int64_t w : where)
        for (std::int64_t i = begin; i < end; ++i) next.push_back(w * sizes[d] + i);
      where = std::move(next);
    }
    const auto entries = static_cast<std::int64_t>(where.size());
    const Value row = e.reshape(window, {x.size(0), x.size(1), entries});
    const Value local =
        e.node("ArgMax", {row}, kInt64, {x.size(0), x.size(1), 1}, {{"axis", 2}, {"keepdims", 1}});
    parts.push_back(e.gather(e.ints(where), local, 0));
    for (int d = output.rank() - 1; d >= 0 && ++at[d] == output[d]; --d) at[d] = 0;
  }
  return e.reshape(e.concat(parts, 2), e.out(1).shape);
}

}  // namespace

void export_op(Emitter& e, const op::AdaptiveMaxPool& op) {
  const Value& x = e.in(0);
  const Shape kernel = even_windows(x, op.output);
  if (is_one(op.output))
    e.result(e.node("GlobalMaxPool", {x}, x.dtype, e.out().shape));
  else if (!kernel.empty())
    e.result(e.node("MaxPool", {x}, x.dtype, e.out().shape,
                    {{"kernel_shape", kernel}, {"strides", kernel}}));
  else
    e.result(by_windows(e, "ReduceMax", op.output));
  if (e.used(1)) e.result(places(e, op.output), 1);
}

void export_op(Emitter& e, const op::AdaptiveAvgPool& op) {
  const Value& x = e.in(0);
  const Shape kernel = even_windows(x, op.output);
  if (is_one(op.output))
    e.result(e.node("GlobalAveragePool", {x}, x.dtype, e.out().shape));
  else if (!kernel.empty())
    e.result(e.node("AveragePool", {x}, x.dtype, e.out().shape,
                    {{"kernel_shape", kernel}, {"strides", kernel}}));
  else
    e.result(by_windows(e, "ReduceMean", op.output));
}

// A product with the windows' weights along each dimension.
void export_op(Emitter& e, const op::AdaptiveAvgPoolAdjoint&) {
  Value y = e.in(0);
  const Shape size = e.fixed(e.sizes_of("size"), "'size'"),
              output = spatial_sizes(e, y, "the number of windows");
  for (int d = 0; d < size.rank(); ++d) {
    std::vector<double> weight(static_cast<std::size_t>(output[d] * size[d]), 0.0);
    for (std::int64_t o = 0; o < output[d]; ++o) {
      const std::int64_t begin = begin_of(o, size[d], output[d]),
                         end = end_of(o, size[d], output[d]);
      for (std::int64_t i = begin; i < end; ++i)
        weight[static_cast<std::size_t>(o * size[d] + i)] = 1 / static_cast<double>(end - begin);
    }
    y = e.apply_matrix(y, 2 + d, tensor(weight, {output[d], size[d]}, kFloat64));
  }
  e.result(y);
}

}  // namespace catena::onnx_export
