// layer_norm, rms_norm and batch_norm, and their gradients.
#include "catena/ops/normalization.hpp"

#include "catena/backends/cuda/normalization.cuh"

namespace catena::gpu {
namespace {

constexpr std::int64_t kChunkRows = 64;

// Column sums over chunks of rows [rows, n]: of g h into weight_parts [chunks, n], of g into
// bias_parts.
template <class T>
__global__ void __launch_bounds__(kThreads)
    affine_columns(const T* g, const T* x, const T* means, const T* scales, T* weight_parts,
                   T* bias_parts, std::int64_t rows, std::int64_t n, std::int64_t chunks) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= chunks * n) return;
  const std::int64_t column = i % n, begin = i / n * kChunkRows;
  const std::int64_t end = begin + kChunkRows < rows ? begin + kChunkRows : rows;
  T sum = 0, dot = 0;
  for (std::int64_t r = begin; r < end; ++r) {
    const T v = g[r * n + column];
    sum += v;
    if (weight_parts) dot += v * ((x[r * n + column] - means[r]) * scales[r]);
  }
  if (weight_parts) weight_parts[i] = dot;
  if (bias_parts) bias_parts[i] = sum;
}

template <class Op>
Groups rows_of(const Op& op, const TensorView& x) {
  std::int64_t n = 1;
  for (std::int64_t size : op.normalized_shape) n *= size;
  return {n == 0 ? 0 : x.numel / n, n, n, 0};
}
Groups features_of(const TensorView& x) {
  std::int64_t line = 1;
  for (int d = 2; d < x.rank(); ++d) line *= x.shape[d];
  return {x.shape[1], x.shape[0] * line, line, x.shape[1] * line};
}

template <class Op, bool kCentred>
void normalize_rows(const Op& op, const KernelContext& c) {
  const Groups s = rows_of(op, c.input(0));
  if (s.groups == 0) return;
  visit_float(c.input(0).dtype, [&](auto zero) {
    using T = decltype(zero);
    with_group(s.n, 1, [&](auto group) {
      constexpr int G = decltype(group)::value;
      normalize<G, kCentred><<<blocks_for_rows(s.groups, G), kThreads, 0, stream_of(c)>>>(
          c.input(0).as<T>(), optional_input<T>(c, 1), optional_input<T>(c, 2), c.output().as<T>(),
          static_cast<T*>(nullptr), static_cast<T*>(nullptr), static_cast<T>(op.eps), s,
          PerEntry{});
      CATENA_LAUNCHED("normalize");
    });
  });
}

// Inputs: the gradient of y, then x, weight and bias as far as they were given and are saved.
template <class Op, bool kCentred>
void normalize_rows_gradient(const Op& op, const KernelContext& c) {
  const Groups s = rows_of(op, c.grad_output());
  const int device = c.device.index;
  const cudaStream_t stream = stream_of(c);
  visit_float(c.grad_output().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *g = c.grad_output().as<T>(), *x = c.input(1).as<T>();
    const T* weight = c.num_outputs > 1 ? c.input(2).as<T>() : nullptr;
    T *d_weight = optional_output<T>(c, 1), *d_bias = optional_output<T>(c, 2);
    const Scratch means(static_cast<std::size_t>(s.groups) * sizeof(T), device);
    const Scratch scales(static_cast<std::size_t>(s.groups) * sizeof(T), device);
    if (x && s.groups > 0)
      with_group(s.n, 1, [&](auto group) {
        constexpr int G = decltype(group)::value;
        normalize_gradient<G, kCentred><<<blocks_for_rows(s.groups, G), kThreads, 0, stream>>>(
            g, x, weight, c.output(0).as<T>(), static_cast<T*>(nullptr), static_cast<T*>(nullptr),
            static_cast<T*>(means.data()), static_cast<T*>(scales.data()), static_cast<T>(op.eps),
            s, PerEntry{});
        CATENA_LAUNCHED("normalize_gradient");
      });
    if ((!d_weight && !d_bias) || s.n == 0) return;
    const std::int64_t chunks = (s.groups + kChunkRows - 1) / kChunkRows;
    const auto bytes = static_cast<std::size_t>(chunks * s.n) * sizeof(T);
    const Scratch weight_parts(d_weight ? bytes : 0, device),
        bias_parts(d_bias ? bytes : 0, device);
    if (chunks > 0) {
      affine_columns<<<blocks_for_rows(chunks * s.n, 1), kThreads, 0, stream>>>(
          g, x, static_cast<const T*>(means.data()), static_cast<const T*>(scales.data()),
          d_weight ? static_cast<T*>(weight_parts.data()) : nullptr,
          d_bias ? static_cast<T*>(bias_parts.data()) : nullptr, s.groups, s.n, chunks);
      CATENA_LAUNCHED("affine_columns");
    }
    if (d_weight) reduce(SumOf<T>{}, weight_parts.data(), d_weight, 1, chunks, s.n, device, stream);
    if (d_bias) reduce(SumOf<T>{}, bias_parts.data(), d_bias, 1, chunks, s.n, device, stream);
  });
}

void batch_norm(const op::BatchNorm& op, const KernelContext& c) {
  const Groups s = features_of(c.input(0));
  if (s.groups == 0) return;
  visit_float(c.input(0).dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr int G = kThreads;
    normalize<G, true><<<blocks_for_rows(s.groups, G), kThreads, 0, stream_of(c)>>>(
        c.input(0).as<T>(), optional_input<T>(c, 1), optional_input<T>(c, 2), c.output(0).as<T>(),
        c.output(1).as<T>(), c.output(2).as<T>(), static_cast<T>(op.eps), s, PerRow{});
    CATENA_LAUNCHED("normalize");
  });
}

// Inputs: the gradients of y, mean and variance (the last two absent), then as above.
void batch_norm_gradient(const op::BatchNorm& op, const KernelContext& c) {
  const Groups s = features_of(c.grad_output());
  if (s.groups == 0) return;
  visit_float(c.grad_output().dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr int G = kThreads;
    normalize_gradient<G, true><<<blocks_for_rows(s.groups, G), kThreads, 0, stream_of(c)>>>(
        c.grad_output().as<T>(), c.input(3).as<T>(),
        c.num_outputs > 1 ? c.input(4).as<T>() : static_cast<T*>(nullptr), c.output(0).as<T>(),
        optional_output<T>(c, 1), optional_output<T>(c, 2), static_cast<T*>(nullptr),
        static_cast<T*>(nullptr), static_cast<T>(op.eps), s, PerRow{});
    CATENA_LAUNCHED("normalize_gradient");
  });
}

}  // namespace

KernelRow row_LayerNorm() {
  return {.forward = kernel<op::LayerNorm, normalize_rows<op::LayerNorm, true>>(),
          .backward = kernel<op::LayerNorm, normalize_rows_gradient<op::LayerNorm, true>>(),
          .dtypes = kFloatTypes};
}
KernelRow row_RmsNorm() {
  return {.forward = kernel<op::RmsNorm, normalize_rows<op::RmsNorm, false>>(),
          .backward = kernel<op::RmsNorm, normalize_rows_gradient<op::RmsNorm, false>>(),
          .dtypes = kFloatTypes};
}
KernelRow row_BatchNorm() {
  return {.forward = kernel<op::BatchNorm, batch_norm>(),
          .backward = kernel<op::BatchNorm, batch_norm_gradient>(),
          .dtypes = kFloatTypes};
}

}  // namespace catena::gpu
