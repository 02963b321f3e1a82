// CPU kernels of layer_norm, rms_norm and batch_norm. A row, or a feature, is worked on while it is
// in cache; its mean and variance are computed again for the gradient rather than kept.
#include "catena/ops/normalization.hpp"

#include "catena/backends/cpu/features.hpp"
#include "catena/backends/cpu/normalization.hpp"
#include "catena/backends/cpu/scratch.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// --- layer_norm and rms_norm: rows of n neighbouring entries ---

template <class Op, bool kCentred>
void rows_forward(const void* op, const KernelContext& context) {
  const double eps = static_cast<const Op*>(op)->eps;
  const std::int64_t rank = static_cast<const Op*>(op)->normalized_shape.rank();
  const TensorView &in = context.inputs[0], &out = context.outputs[0];
  if (out.numel == 0) return;
  std::int64_t n = 1;
  for (int d = in.shape.rank() - static_cast<int>(rank); d < in.shape.rank(); ++d)
    n *= in.shape.data()[d];
  visit_float(in.dtype, [&](auto zero) {
    using T = decltype(zero);
    using B = Batch<T>;
    const T* weight = context.num_inputs > 1 ? data_of<T>(context.inputs[1]) : nullptr;
    const T* bias = context.num_inputs > 2 ? data_of<T>(context.inputs[2]) : nullptr;
    parallel(in.numel / n, max_of<std::int64_t>(1, kRowGrain / n),
             [&](std::int64_t begin, std::int64_t end) {
               const auto row_of_y = [&](std::int64_t r) { return data_of<T>(out) + r * n; };
               for_input_rows<T>(in, n, begin, end, row_of_y, [&](std::int64_t r, const T* x) {
                 T* y = row_of_y(r);
                 const Standard<T> s = standard_of<kCentred>(x, n, eps);
                 const B mean(s.mean), scale(s.scale);
                 for_batches<T>(n, [&](std::int64_t i, std::int64_t lanes) {
                   B v = (load(x + i, lanes) - mean) * scale;
                   if (weight) v = v * load(weight + i, lanes);
                   if (bias) v = v + load(bias + i, lanes);
                   store(y + i, v, lanes);
                 });
               });
             });
  });
}

// Inputs: the gradient of y, then x, weight and bias as far as they were given and are saved.
template <class Op, bool kCentred>
void rows_backward(const void* op, const KernelContext& context) {
  const auto& attrs = *static_cast<const Op*>(op);
  const int given = context.num_outputs;  // x, weight, bias
  const TensorView& grad = context.inputs[0];
  std::int64_t n = 1;
  for (int d = 0; d < attrs.normalized_shape.rank(); ++d) n *= attrs.normalized_shape.data()[d];
  const std::int64_t rows = n == 0 ? 0 : grad.numel / n;
  const std::int64_t blocks = (rows + kBlockRows - 1) / kBlockRows;
  visit_float(grad.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *g = data_of<T>(grad), *x = data_of<T>(context.inputs[1]);
    const T* weight = given > 1 ? data_of<T>(context.inputs[2]) : nullptr;
    T* dx = data_of<T>(context.outputs[0]);
    T* d_weight = given > 1 ? data_of<T>(context.outputs[1]) : nullptr;
    T* d_bias = given > 2 ? data_of<T>(context.outputs[2]) : nullptr;
    const Scratch<T> weight_parts(d_weight ? blocks * n : 0), bias_parts(d_bias ? blocks * n : 0);
    parallel(blocks, max_of<std::int64_t>(1, kRowGrain / (kBlockRows * max_of<std::int64_t>(1, n))),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t b = begin; b < end; ++b) {
                 T* weight_part = d_weight ? weight_parts.data() + b * n : nullptr;
                 T* bias_part = d_bias ? bias_parts.data() + b * n : nullptr;
                 for (std::int64_t c = 0; c < n; ++c) {
                   if (weight_part) weight_part[c] = T(0);
                   if (bias_part) bias_part[c] = T(0);
                 }
                 const std::int64_t last = min_of(rows, (b + 1) * kBlockRows);
                 for (std::int64_t r = b * kBlockRows; r < last; r += kFewRows)
                   gradient_rows<kCentred>(g + r * n, x ? x + r * n : nullptr,
                                           dx ? dx + r * n : nullptr, min_of(kFewRows, last - r), n,
                                           n, attrs.eps, weight, weight_part, bias_part);
               }
             });
    if (d_weight) add_parts(weight_parts.data(), blocks, n, d_weight);
    if (d_bias) add_parts(bias_parts.data(), blocks, n, d_bias);
  });
}

// --- batch_norm: features of x seen as [batch, features, line] ---

// Mean and variance of some features.
template <class T, class Features>
CATENA_INLINE void moments_of(const Features& f, const T* x, T* mean, double* var) {
  double total[Features::kWidth];
  f.sum([&](std::int64_t at, std::int64_t lanes) { return load(x + at, lanes); }, total);
  for (std::int64_t c = 0; c < f.width; ++c) mean[c] = static_cast<T>(total[c] / f.e.count);
  const Batch<T> m = f.spread(mean);
  f.sum(
      [&](std::int64_t at, std::int64_t lanes) {
        const Batch<T> d = load(x + at, lanes, mean[0]) - m;
        return d * d;
      },
      var);
  for (std::int64_t c = 0; c < f.width; ++c) var[c] /= f.e.count;
}

void batch_norm_forward(const void* op, const KernelContext& context) {
  const double eps = static_cast<const op::BatchNorm*>(op)->eps;
  const TensorView& in = context.inputs[0];
  const Extent e = extent_of(in);
  visit_float(in.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* x = data_of<T>(in);
    const T* weight = context.num_inputs > 1 ? data_of<T>(context.inputs[1]) : nullptr;
    const T* bias = context.num_inputs > 2 ? data_of<T>(context.inputs[2]) : nullptr;
    T *y = data_of<T>(context.outputs[0]), *means = data_of<T>(context.outputs[1]),
      *vars = data_of<T>(context.outputs[2]);
    for_features<T>(e, [&](const auto& f) {
      constexpr std::int64_t width = std::remove_cvref_t<decltype(f)>::kWidth;
      T mean[width], scale[width];
      double var[width];
      moments_of(f, x, mean, var);
      for (std::int64_t c = 0; c < f.width; ++c) {
        const std::int64_t feature = f.feature + c;
        means[feature] = mean[c];
        vars[feature] = static_cast<T>(var[c]);
        scale[c] = static_cast<T>(inverse_root(var[c], eps) *
                                  (weight ? static_cast<double>(weight[feature]) : 1.0));
      }
      const Batch<T> m = f.spread(mean), s = f.spread(scale);
      const Batch<T> shift = bias ? f.spread(bias + f.feature) : Batch<T>(T(0));
      f.visit([&](std::int64_t at, std::int64_t lanes) {
        store(y + at, (load(x + at, lanes) - m) * s + shift, lanes);
      });
    });
  });
}

// Inputs: the gradients of y, mean and variance (the last two absent), then x, weight and bias as
// far as they were given and are saved.
void batch_norm_backward(const void* op, const KernelContext& context) {
  const double eps = static_cast<const op::BatchNorm*>(op)->eps;
  const int given = context.num_outputs;  // x, weight, bias
  const TensorView& grad = context.inputs[0];
  const Extent e = extent_of(grad);
  visit_float(grad.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *g = data_of<T>(grad), *x = data_of<T>(context.inputs[3]);
    const T* weight = given > 1 ? data_of<T>(context.inputs[4]) : nullptr;
    T* dx = data_of<T>(context.outputs[0]);
    T* d_weight = given > 1 ? data_of<T>(context.outputs[1]) : nullptr;
    T* d_bias = given > 2 ? data_of<T>(context.outputs[2]) : nullptr;
    for_features<T>(e, [&](const auto& f) {
      constexpr std::int64_t width = std::remove_cvref_t<decltype(f)>::kWidth;
      double sum[width], dot[width], var[width];
      f.sum([&](std::int64_t at, std::int64_t lanes) { return load(g + at, lanes); }, sum);
      if (d_bias)
        for (std::int64_t c = 0; c < f.width; ++c) d_bias[f.feature + c] = static_cast<T>(sum[c]);
      if (!x) return;
      T mean[width], scale[width], shift[width], slope[width], factor[width];
      moments_of(f, x, mean, var);
      for (std::int64_t c = 0; c < f.width; ++c)
        scale[c] = static_cast<T>(inverse_root(var[c], eps));
      const Batch<T> m = f.spread(mean), s = f.spread(scale);
      f.sum(
          [&](std::int64_t at, std::int64_t lanes) {
            return load(g + at, lanes) * ((load(x + at, lanes) - m) * s);
          },
          dot);
      for (std::int64_t c = 0; c < f.width; ++c) {
        const std::int64_t feature = f.feature + c;
        if (d_weight) d_weight[feature] = static_cast<T>(dot[c]);
        shift[c] = static_cast<T>(sum[c] / e.count);
        slope[c] = static_cast<T>(dot[c] / e.count);
        factor[c] = weight ? scale[c] * weight[feature] : scale[c];
      }
      if (!dx) return;
      const Batch<T> a = f.spread(shift), b = f.spread(slope), k = f.spread(factor);
      f.visit([&](std::int64_t at, std::int64_t lanes) {
        const Batch<T> h = (load(x + at, lanes) - m) * s;
        store(dx + at, (load(g + at, lanes) - a - h * b) * k, lanes);
      });
    });
  });
}

KernelRow row(KernelFn forward, KernelFn backward) {
  return {.forward = forward, .backward = backward, .dtypes = kFloatTypes};
}

template <class Op, bool kCentred>
KernelRow row_of_rows() {
  KernelRow r = row(rows_forward<Op, kCentred>, rows_backward<Op, kCentred>);
  r.reads_programs = true;
  return r;
}

}  // namespace

KernelRow row_LayerNorm() { return row_of_rows<op::LayerNorm, true>(); }
KernelRow row_RmsNorm() { return row_of_rows<op::RmsNorm, false>(); }
KernelRow row_BatchNorm() { return row(batch_norm_forward, batch_norm_backward); }

}  // namespace catena::cpu::CATENA_ISA
