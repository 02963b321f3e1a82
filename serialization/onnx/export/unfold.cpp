#include "catena/ops/unfold.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

// An attribute of one number holds for all dimensions.
std::int64_t at(const Shape& sizes, int d) { return sizes.rank() == 1 ? sizes[0] : sizes[d]; }

// The number of windows along a dimension of `size` entries.
template <class Op>
std::int64_t windows(const Op& op, int d, std::int64_t size) {
  return (size + 2 * at(op.padding, d) - at(op.dilation, d) * (at(op.kernel_size, d) - 1) - 1) /
             at(op.stride, d) +
         1;
}

}  // namespace

// The entries of each window are looked up, dimension by dimension: [N, C, k, L, ..].
void export_op(Emitter& e, const op::Unfold& op) {
  Value x = e.in(0);
  const int spatial = x.rank() - 2;
  SymbolicShape border(x.shape.size(), 0);
  for (int d = 0; d < spatial; ++d) border[static_cast<std::size_t>(d) + 2] = at(op.padding, d);
  const Shape sizes = e.fixed({x.shape.begin() + 2, x.shape.end()}, "a size it looks into");
  x = e.pad(x, border, border);
  std::int64_t entries = 1;
  for (int d = 0; d < spatial; ++d) {
    const std::int64_t k = at(op.kernel_size, d), n = windows(op, d, sizes[d]);
    entries *= k;
    std::vector<std::int64_t> index;
    for (std::int64_t i = 0; i < k; ++i)
      for (std::int64_t l = 0; l < n; ++l)
        index.push_back(i * at(op.dilation, d) + l * at(op.stride, d));
    x = e.gather(x, e.constant(tensor(index, {k, n})), 2 + 2 * d);
  }
  std::vector<std::int64_t> perm{0, 1};
  for (const int part : {0, 1})
    for (int d = 0; d < spatial; ++d) perm.push_back(2 + 2 * d + part);
  e.result(e.reshape(e.transpose(x, perm), e.out().shape));
}

void export_op(Emitter& e, const op::Fold& op) {
  const Value& x = e.in(0);
  const Shape out = e.fixed(e.sizes_of("output_size"), "'output_size'");
  const int spatial = out.rank();
  std::vector<std::int64_t> kernel, dilation, pads, stride;
  for (int d = 0; d < spatial; ++d) {
    kernel.push_back(at(op.kernel_size, d));
    dilation.push_back(at(op.dilation, d));
    stride.push_back(at(op.stride, d));
    pads.push_back(at(op.padding, d));
  }
  pads.insert(pads.end(), pads.begin(), pads.end());
  // onnxruntime is wrong about lines.
  if (e.opset() >= 18 && spatial == 2)
    return e.result(e.node("Col2Im", {x, e.ints(to_vector(out)), e.ints(kernel)}, x.dtype,
                           e.out().shape,
                           {{"dilations", dilation}, {"pads", pads}, {"strides", stride}}));
  // A transposed convolution that puts entry t of a window at t.
  std::int64_t entries = 1;
  for (const std::int64_t k : kernel) entries *= k;
  const std::int64_t channels = e.fixed({e.out().size(1)}, "the number of channels")[0];
  std::vector<double> places(static_cast<std::size_t>(channels * entries * entries), 0.0);
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t t = 0; t < entries; ++t)
      places[static_cast<std::size_t>((c * entries + t) * entries + t)] = 1;
  Shape weight{channels * entries, 1};
  SymbolicShape grid{x.size(0), x.size(1)};
  std::vector<std::int64_t> rest;
  for (int d = 0; d < spatial; ++d) {
    const auto i = static_cast<std::size_t>(d);
    weight.push_back(kernel[i]);
    const std::int64_t n = windows(op, d, out[d]);
    grid.push_back(n);
    rest.push_back(out[d] + 2 * pads[i] -
                   ((n - 1) * stride[i] + dilation[i] * (kernel[i] - 1) + 1));
  }
  e.result(e.node("ConvTranspose",
                  {e.reshape(x, grid), e.constant(tensor(places, weight, x.dtype))}, x.dtype,
                  e.out().shape,
                  {{"dilations", dilation},
                   {"group", channels},
                   {"kernel_shape", kernel},
                   {"output_padding", rest},
                   {"pads", pads},
                   {"strides", stride}}));
}

}  // namespace catena::onnx_export
