// group_norm and its gradient.
#include "catena/ops/group_norm.hpp"

#include "catena/backends/cuda/normalization.cuh"

namespace catena::gpu {
namespace {

// A group is a row of neighbouring values.
struct Layout {
  Groups rows{0, 0, 0, 0};
  PerChannel affine{1, 0, 1};
  std::int64_t batch = 0;

  Layout(const op::GroupNorm& op, const TensorView& x) : batch(x.shape[0]) {
    affine.groups = op.num_groups;
    affine.channels = x.shape[1] / op.num_groups;
    for (int d = 2; d < x.rank(); ++d) affine.line *= x.shape[d];
    rows.groups = batch * affine.groups;
    rows.n = rows.line = affine.channels * affine.line;
  }
};

// Per channel, the sums over the batch and its lines: of g h into d_weight, of g into d_bias.
template <int G, class T>
__global__ void __launch_bounds__(kThreads)
    affine_channels(const T* g, const T* x, const T* means, const T* scales, T* d_weight, T* d_bias,
                    std::int64_t batch, PerChannel s) {
  const RowOfThread<G> at;
  const std::int64_t all = s.groups * s.channels;
  if (at.row >= all) return;
  T sum = 0, dot = 0;
  for (std::int64_t j = at.lane; j < batch * s.line; j += G) {
    const std::int64_t n = j / s.line, k = (n * all + at.row) * s.line + j % s.line;
    const std::int64_t row = n * s.groups + at.row / s.channels;
    sum += g[k];
    if (d_weight) dot += g[k] * ((x[k] - means[row]) * scales[row]);
  }
  sum = group_reduce<G>(sum, AddUp{});
  dot = group_reduce<G>(dot, AddUp{});
  if (at.lane != 0) return;
  if (d_weight) d_weight[at.row] = dot;
  if (d_bias) d_bias[at.row] = sum;
}

void group_norm(const op::GroupNorm& op, const KernelContext& c) {
  const Layout s(op, c.input(0));
  if (s.rows.groups == 0) return;
  visit_float(c.input(0).dtype, [&](auto zero) {
    using T = decltype(zero);
    with_group(s.rows.n, 1, [&](auto group) {
      constexpr int G = decltype(group)::value;
      normalize<G, true><<<blocks_for_rows(s.rows.groups, G), kThreads, 0, stream_of(c)>>>(
          c.input(0).as<T>(), optional_input<T>(c, 1), optional_input<T>(c, 2), c.output(0).as<T>(),
          c.output(1).as<T>(), c.output(2).as<T>(), static_cast<T>(op.eps), s.rows, s.affine);
      CATENA_LAUNCHED("normalize");
    });
  });
}

// Inputs: the gradients of y, mean and variance (the last two absent), then x, weight and bias as
// far as they were given and are saved.
void group_norm_gradient(const op::GroupNorm& op, const KernelContext& c) {
  const Layout s(op, c.grad_output());
  const int device = c.device.index;
  const cudaStream_t stream = stream_of(c);
  visit_float(c.grad_output().dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *g = c.grad_output().as<T>(), *x = c.input(3).as<T>();
    const T* weight = c.num_outputs > 1 ? c.input(4).as<T>() : nullptr;
    T *d_weight = optional_output<T>(c, 1), *d_bias = optional_output<T>(c, 2);
    const auto bytes = static_cast<std::size_t>(s.rows.groups) * sizeof(T);
    const Scratch means(bytes, device), scales(bytes, device);
    if (x && s.rows.groups > 0)
      with_group(s.rows.n, 1, [&](auto group) {
        constexpr int G = decltype(group)::value;
        normalize_gradient<G, true><<<blocks_for_rows(s.rows.groups, G), kThreads, 0, stream>>>(
            g, x, weight, c.output(0).as<T>(), static_cast<T*>(nullptr), static_cast<T*>(nullptr),
            static_cast<T*>(means.data()), static_cast<T*>(scales.data()), static_cast<T>(op.eps),
            s.rows, s.affine);
        CATENA_LAUNCHED("normalize_gradient");
      });
    const std::int64_t channels = s.affine.groups * s.affine.channels;
    if ((!d_weight && !d_bias) || channels == 0) return;
    affine_channels<kThreads><<<blocks_for_rows(channels, kThreads), kThreads, 0, stream>>>(
        g, x, static_cast<const T*>(means.data()), static_cast<const T*>(scales.data()), d_weight,
        d_bias, s.batch, s.affine);
    CATENA_LAUNCHED("affine_channels");
  });
}

}  // namespace

KernelRow row_GroupNorm() {
  return {.forward = kernel<op::GroupNorm, group_norm>(),
          .backward = kernel<op::GroupNorm, group_norm_gradient>(),
          .dtypes = kFloatTypes};
}

}  // namespace catena::gpu
