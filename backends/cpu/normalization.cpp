// CPU kernels of layer_norm and batch_norm. A row, or a feature, is worked on while it is in cache;
// its mean and variance are computed again for the gradient rather than kept.
#include "catena/ops/normalization.hpp"

#include "catena/backends/cpu/features.hpp"
#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/row_math.hpp"
#include "catena/backends/cpu/scratch.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Rows whose parts of the gradients of weight and bias are added up in the dtype of x.
constexpr std::int64_t kBlockRows = 64;
constexpr std::int64_t kFewRows = 4;  // rows worked on together

// What turns x into h = (x - mean) * scale.
template <class T>
struct Standard {
  T mean, scale;
};

template <class T>
CATENA_INLINE T* data_of(const TensorView& v) {
  return static_cast<T*>(v.data);
}

CATENA_INLINE double inverse_root(double var, double eps) { return 1 / __builtin_sqrt(var + eps); }

// --- layer_norm: rows of n neighbouring entries ---

template <class T>
CATENA_INLINE Standard<T> standard_of(const T* x, std::int64_t n, double eps) {
  const double count = static_cast<double>(n);
  const T mean = static_cast<T>(
      sum_terms<T>(n, [&](std::int64_t i, std::int64_t lanes) { return load(x + i, lanes); }) /
      count);
  const Batch<T> m(mean);
  const double squares = sum_terms<T>(n, [&](std::int64_t i, std::int64_t lanes) {
    const Batch<T> d = load(x + i, lanes, mean) - m;
    return d * d;
  });
  return {mean, static_cast<T>(inverse_root(squares / count, eps))};
}

void layer_norm_forward(const void* op, const KernelContext& context) {
  const double eps = static_cast<const op::LayerNorm*>(op)->eps;
  const std::int64_t rank = static_cast<const op::LayerNorm*>(op)->normalized_shape.rank();
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
               for (std::int64_t r = begin; r < end; ++r) {
                 const T* x = data_of<T>(in) + r * n;
                 T* y = data_of<T>(out) + r * n;
                 const Standard<T> s = standard_of(x, n, eps);
                 const B mean(s.mean), scale(s.scale);
                 for_batches<T>(n, [&](std::int64_t i, std::int64_t lanes) {
                   B v = (load(x + i, lanes) - mean) * scale;
                   if (weight) v = v * load(weight + i, lanes);
                   if (bias) v = v + load(bias + i, lanes);
                   store(y + i, v, lanes);
                 });
               }
             });
  });
}

// The gradients of up to kFewRows rows. d_weight and d_bias grow by the sums over these rows.
template <class T>
void layer_norm_rows(const T* g, const T* x, T* dx, std::int64_t rows, std::int64_t n, double eps,
                     const T* weight, T* d_weight, T* d_bias) {
  using B = Batch<T>;
  // Of each row: mean, scale, and the means of g w and g w h, times scale.
  B mean[kFewRows], scale[kFewRows], shift[kFewRows], slope[kFewRows];
  for (std::int64_t r = 0; r < rows && x; ++r) {
    const T *xr = x + r * n, *gr = g + r * n;
    const Standard<T> s = standard_of(xr, n, eps);
    mean[r] = B(s.mean);
    scale[r] = B(s.scale);
    if (!dx) continue;
    const double count = static_cast<double>(n);
    const auto weighted = [&](std::int64_t i, std::int64_t lanes) {
      const B v = load(gr + i, lanes);
      return weight ? v * load(weight + i, lanes) : v;
    };
    const double sum = sum_terms<T>(n, weighted);
    const double dot = sum_terms<T>(n, [&](std::int64_t i, std::int64_t lanes) {
      return weighted(i, lanes) * ((load(xr + i, lanes) - mean[r]) * scale[r]);
    });
    shift[r] = B(static_cast<T>(sum / count));
    slope[r] = B(static_cast<T>(dot / count));
  }
  for_batches<T>(n, [&](std::int64_t i, std::int64_t lanes) {
    const B w = weight && dx ? load(weight + i, lanes) : B(T(1));
    B sum_g(T(0)), sum_gh(T(0));
    for (std::int64_t r = 0; r < rows; ++r) {
      const B v = load(g + r * n + i, lanes);
      sum_g = sum_g + v;
      if (!x) continue;
      const B h = (load(x + r * n + i, lanes) - mean[r]) * scale[r];
      sum_gh = sum_gh + v * h;
      if (dx) store(dx + r * n + i, (v * w - shift[r] - h * slope[r]) * scale[r], lanes);
    }
    if (d_weight) store(d_weight + i, load(d_weight + i, lanes) + sum_gh, lanes);
    if (d_bias) store(d_bias + i, load(d_bias + i, lanes) + sum_g, lanes);
  });
}

// to[c] = the sum over the parts, in order, of part[c].
template <class T>
void add_parts(const T* parts, std::int64_t count, std::int64_t n, T* to) {
  constexpr std::int64_t kColumns = 512;
  const std::int64_t blocks = (n + kColumns - 1) / kColumns;
  parallel(blocks, max_of<std::int64_t>(1, kRowGrain / (kColumns * max_of<std::int64_t>(1, count))),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t b = begin; b < end; ++b) {
               const std::int64_t first = b * kColumns, width = min_of(kColumns, n - first);
               double total[kColumns];
               for (std::int64_t c = 0; c < width; ++c) total[c] = 0;
               for (std::int64_t k = 0; k < count; ++k)
                 for (std::int64_t c = 0; c < width; ++c)
                   total[c] += static_cast<double>(parts[k * n + first + c]);
               for (std::int64_t c = 0; c < width; ++c) to[first + c] = static_cast<T>(total[c]);
             }
           });
}

// Inputs: the gradient of y, then x, weight and bias as far as they were given and are saved.
void layer_norm_backward(const void* op, const KernelContext& context) {
  const auto& attrs = *static_cast<const op::LayerNorm*>(op);
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
                   layer_norm_rows(g + r * n, x ? x + r * n : nullptr, dx ? dx + r * n : nullptr,
                                   min_of(kFewRows, last - r), n, attrs.eps, weight, weight_part,
                                   bias_part);
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

}  // namespace

KernelRow row_LayerNorm() { return row(layer_norm_forward, layer_norm_backward); }
KernelRow row_BatchNorm() { return row(batch_norm_forward, batch_norm_backward); }

}  // namespace catena::cpu::CATENA_ISA
