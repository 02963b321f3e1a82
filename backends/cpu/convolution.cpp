// Convolutions by oneDNN where it is faster, else by conv_direct.hpp.
#include "catena/ops/convolution.hpp"

#include "catena/backends/cpu/conv_direct.hpp"
#include "catena/backends/cpu/conv_onednn.hpp"
#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Of a convolution of x [batch, channels, ..] with weight, which gives y [batch, channels, ..].
template <class Op>
ConvGeometry geometry(const Op& op, const TensorView& x, const TensorView& weight,
                      const TensorView& y) {
  ConvGeometry g;
  g.batch = x.shape.data()[0];
  g.groups = op.groups;
  g.inputs = weight.shape.data()[1];
  g.outputs = weight.shape.data()[0] / op.groups;
  const int spatial = x.shape.rank() - 2;
  for (int i = 0; i < spatial; ++i) {
    const int d = 3 - spatial + i;
    g.in[d] = x.shape.data()[2 + i];
    g.out[d] = y.shape.data()[2 + i];
    g.kernel[d] = weight.shape.data()[2 + i];
    g.stride[d] = op.stride.data()[i];
    g.dilation[d] = op.dilation.data()[i];
    g.before[d] = op.padding_before.data()[i];
  }
  return g;
}

// oneDNN's kernels take no const; they write what the kind says.
bool by_onednn(ConvKind kind, const ConvGeometry& g, const TensorView& x, const TensorView& weight,
               const TensorView& y) {
  return onednn_convolution(kind, g, static_cast<float*>(x.data), static_cast<float*>(weight.data),
                            static_cast<float*>(y.data));
}
bool is_float(const TensorView& x) { return x.dtype == DType::kFloat32; }

// y[n, k, ..] += bias[k]
void add_bias(const KernelContext& c, std::int64_t points) {
  if (c.num_inputs < 3) return;
  const std::int64_t channels = c.inputs[2].numel, lines = c.outputs[0].numel / points;
  const float* bias = static_cast<const float*>(c.inputs[2].data);
  float* y = static_cast<float*>(c.outputs[0].data);
  parallel(lines, (1 << 16) / points + 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const float b = bias[i % channels];
      for (std::int64_t p = 0; p < points; ++p) y[i * points + p] += b;
    }
  });
}

template <class T>
const T* data_of(const KernelContext& c, int input) {
  return input < c.num_inputs ? static_cast<const T*>(c.inputs[input].data) : nullptr;
}

void conv(const void* op, const KernelContext& c) {
  const TensorView& y = c.outputs[0];
  if (y.numel == 0) return;
  const ConvGeometry g = geometry(*static_cast<const op::Conv*>(op), c.inputs[0], c.inputs[1], y);
  if (is_float(y) && by_onednn(ConvKind::kForward, g, c.inputs[0], c.inputs[1], y))
    return add_bias(c, volume(g.out));
  visit_float(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    conv_forward<T>(g, data_of<T>(c, 0), data_of<T>(c, 1), data_of<T>(c, 2),
                    static_cast<T*>(y.data));
  });
}

void conv_transpose(const void* op, const KernelContext& c) {
  const TensorView& x = c.outputs[0];
  if (x.numel == 0) return;
  const ConvGeometry g =
      geometry(*static_cast<const op::ConvTranspose*>(op), x, c.inputs[1], c.inputs[0]);
  if (is_float(x) && by_onednn(ConvKind::kDataGradient, g, x, c.inputs[1], c.inputs[0]))
    return add_bias(c, volume(g.in));
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    conv_data_gradient<T>(g, data_of<T>(c, 0), data_of<T>(c, 1), data_of<T>(c, 2),
                          static_cast<T*>(x.data));
  });
}

void conv_weight(const void* op, const KernelContext& c) {
  const TensorView& weight = c.outputs[0];
  if (weight.numel == 0) return;
  const ConvGeometry g =
      geometry(*static_cast<const op::ConvWeight*>(op), c.inputs[0], weight, c.inputs[1]);
  if (is_float(weight) && by_onednn(ConvKind::kWeightGradient, g, c.inputs[0], weight, c.inputs[1]))
    return;
  visit_float(weight.dtype, [&](auto zero) {
    using T = decltype(zero);
    conv_weight_gradient<T>(g, data_of<T>(c, 0), data_of<T>(c, 1), static_cast<T*>(weight.data));
  });
}

}  // namespace

KernelRow row_Conv() { return {.forward = conv, .dtypes = kFloatTypes}; }
KernelRow row_ConvTranspose() { return {.forward = conv_transpose, .dtypes = kFloatTypes}; }
KernelRow row_ConvWeight() { return {.forward = conv_weight, .dtypes = kFloatTypes}; }

}  // namespace catena::cpu::CATENA_ISA
