#include "catena/ops/convolution.hpp"

#include <algorithm>

#include "catena/serialization/onnx/export/windows.hpp"

namespace catena::onnx_export {
namespace {

Shape kernel_of(Emitter& e, const Value& weight) {
  return e.fixed({weight.shape.begin() + 2, weight.shape.end()}, "the size of the kernel");
}
// ONNX's padding is not negative: what is cut off is cut off first.
Value cut(Emitter& e, const Value& x, Shape* before, Shape* after) {
  Shape less_before = *before, less_after = *after;
  for (int d = 0; d < before->rank(); ++d) {
    less_before[d] = std::min<std::int64_t>(less_before[d], 0);
    less_after[d] = std::min<std::int64_t>(less_after[d], 0);
    (*before)[d] -= less_before[d];
    (*after)[d] -= less_after[d];
  }
  return e.pad(x, with_batch_and_channels(less_before), with_batch_and_channels(less_after));
}

}  // namespace

void export_op(Emitter& e, const op::Conv& op) {
  Shape before = op.padding_before, after = op.padding_after;
  const Value x = cut(e, e.in(0), &before, &after);
  e.result(e.node("Conv", {x, e.in(1), e.in(2)}, x.dtype, e.out().shape,
                  {{"dilations", op.dilation},
                   {"group", op.groups},
                   {"kernel_shape", kernel_of(e, e.in(1))},
                   {"pads", pads(before, after)},
                   {"strides", op.stride}}));
}

void export_op(Emitter& e, const op::ConvTranspose& op) {
  const Value& x = e.in(0);
  const int rank = op.stride.rank();
  Shape before = op.padding_before, after = op.padding_after, more = op.output_padding;
  bool plain = true;
  for (int d = 0; d < rank; ++d)
    plain = plain && before[d] >= 0 && after[d] >= 0 && more[d] < op.stride[d];
  SymbolicShape wide = e.out().shape, front(2, 0), back(2, 0);
  if (!plain) {
    // Zeros around the result, and what is cut off of it, are put on behind.
    for (int d = 0; d < rank; ++d) {
      front.push_back(-before[d]);
      back.push_back(more[d] - after[d]);
      wide[static_cast<std::size_t>(d) + 2] =
          plus(wide[static_cast<std::size_t>(d) + 2], before[d] + after[d] - more[d]);
    }
    before = after = more = Shape::filled(rank, 0);
  }
  Value y = e.node("ConvTranspose", {x, e.in(1), plain ? e.in(2) : Value{}}, x.dtype, wide,
                   {{"dilations", op.dilation},
                    {"group", op.groups},
                    {"kernel_shape", kernel_of(e, e.in(1))},
                    {"output_padding", more},
                    {"pads", pads(before, after)},
                    {"strides", op.stride}});
  if (!plain) {
    y = e.pad(y, front, back);
    if (e.in(2)) {
      SymbolicShape column{e.in(2).size(0)};
      for (int d = 0; d < rank; ++d) column.push_back(1);
      y = e.add(y, e.reshape(e.in(2), column));
    }
  }
  e.result(y);
}

// A convolution over the batch: its kernel is g, whose entries are a stride apart.
void export_op(Emitter& e, const op::ConvWeight& op) {
  const Value &x = e.in(0), &g = e.in(1);
  const int rank = op.kernel.rank();
  std::vector<std::int64_t> swap{1, 0};
  for (int d = 0; d < rank; ++d) swap.push_back(2 + d);
  Shape before = op.padding_before, after = op.padding_after;
  const Value padded = cut(e, x, &before, &after);
  const Value columns = e.transpose(padded, swap), kernels = e.transpose(g, swap);
  const std::int64_t in = e.fixed({x.size(1)}, "the number of channels")[0] / op.groups,
                     out = e.fixed({g.size(1)}, "the number of channels")[0] / op.groups;
  const Shape kernel = e.fixed({g.shape.begin() + 2, g.shape.end()}, "the size of the gradient");
  std::vector<Value> groups;
  for (std::int64_t i = 0; i < op.groups; ++i) {
    const Value a = e.slice(columns, 0, i * in, (i + 1) * in);
    const Value b = e.slice(kernels, 0, i * out, (i + 1) * out);
    SymbolicShape shape{in, out};
    for (int d = 0; d < rank; ++d) {
      const SymbolicInt span =
          plus(a.size(2 + d), before[d] + after[d] - op.stride[d] * (kernel[d] - 1) - 1);
      shape.push_back(op.dilation[d] == 1  ? plus(span, 1)
                      : span.is_constant() ? SymbolicInt(span.offset() / op.dilation[d] + 1)
                                           : SymbolicInt::unknown());
    }
    Value y = e.node("Conv", {a, b}, x.dtype, shape,
                     {{"dilations", op.stride},
                      {"kernel_shape", kernel},
                      {"pads", pads(before, after)},
                      {"strides", op.dilation}});
    // Rows that no window of the convolution began with.
    for (int d = 0; d < rank; ++d) y = e.slice(y, 2 + d, 0, op.kernel[d]);
    groups.push_back(e.transpose(y, swap));
  }
  e.result(e.concat(groups, 0));
}

}  // namespace catena::onnx_export
