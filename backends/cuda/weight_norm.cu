// weight_norm and its gradient, one block per length.
#include "catena/ops/weight_norm.hpp"

#include "catena/backends/cuda/normalization.cuh"

namespace catena::gpu {
namespace {

// Features are lines along the dimension that g has entries of; without one there is one feature.
Groups features_of(const TensorView& v, const TensorView& g) {
  int kept = 0;
  while (kept < g.rank() && g.shape[kept] == 1) ++kept;
  if (kept == g.rank()) return {1, v.numel, v.numel, 0};
  std::int64_t line = 1;
  for (int d = kept + 1; d < g.rank(); ++d) line *= v.shape[d];
  const std::int64_t features = g.shape[kept];
  return {features, features == 0 ? 0 : v.numel / features, line, features * line};
}

template <int G, class T>
__device__ __forceinline__ T sum_of_products(const T* a, const T* b, const Groups& s,
                                             const RowOfThread<G>& at) {
  T sum = 0;
  for (std::int64_t j = at.lane; j < s.n; j += G) {
    const std::int64_t k = s.position(at.row, j);
    sum += a[k] * b[k];
  }
  return group_reduce<G>(sum, AddUp{});
}

template <int G, class T>
__global__ void __launch_bounds__(kThreads) scale_to(const T* v, const T* g, T* w, Groups s) {
  const RowOfThread<G> at;
  if (at.row >= s.groups) return;
  const T factor = g[at.row] / sqrt(sum_of_products(v, v, s, at));
  for (std::int64_t j = at.lane; j < s.n; j += G) {
    const std::int64_t k = s.position(at.row, j);
    w[k] = v[k] * factor;
  }
}

template <int G, class T>
__global__ void __launch_bounds__(kThreads)
    scale_to_gradient(const T* dw, const T* v, const T* g, T* dv, T* dg, Groups s) {
  const RowOfThread<G> at;
  if (at.row >= s.groups) return;
  const T squares = sum_of_products(v, v, s, at), dot = sum_of_products(dw, v, s, at);
  const T length = sqrt(squares);
  if (dg && at.lane == 0) dg[at.row] = dot / length;
  if (!dv) return;
  const T factor = g[at.row] / length, slope = dot / squares;
  for (std::int64_t j = at.lane; j < s.n; j += G) {
    const std::int64_t k = s.position(at.row, j);
    dv[k] = (dw[k] - v[k] * slope) * factor;
  }
}

void forward(const op::WeightNorm&, const KernelContext& c) {
  const Groups s = features_of(c.input(0), c.input(1));
  if (s.groups == 0) return;
  visit_float(c.input(0).dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr int G = kThreads;
    scale_to<G><<<blocks_for_rows(s.groups, G), kThreads, 0, stream_of(c)>>>(
        c.input(0).as<const T>(), c.input(1).as<const T>(), c.output().as<T>(), s);
    CATENA_LAUNCHED("scale_to");
  });
}

// Inputs: the gradient of w, then v and g.
void backward(const op::WeightNorm&, const KernelContext& c) {
  const Groups s = features_of(c.input(1), c.input(2));
  if (s.groups == 0) return;
  visit_float(c.input(1).dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr int G = kThreads;
    scale_to_gradient<G><<<blocks_for_rows(s.groups, G), kThreads, 0, stream_of(c)>>>(
        c.grad_output().as<const T>(), c.input(1).as<const T>(), c.input(2).as<const T>(),
        c.output(0).as<T>(), c.output(1).as<T>(), s);
    CATENA_LAUNCHED("scale_to_gradient");
  });
}

}  // namespace

KernelRow row_WeightNorm() {
  return {.forward = kernel<op::WeightNorm, forward>(),
          .backward = kernel<op::WeightNorm, backward>(),
          .dtypes = kFloatTypes};
}

}  // namespace catena::gpu
