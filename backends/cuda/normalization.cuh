// Values normalised together, and the gradient: what the norms share.
#pragma once

#include <type_traits>

#include "catena/backends/cuda/reduce.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {

// Values normalised together: of row r, entry j stands at
//   j / line * stride + r * line + j % line.
// Rows of layer_norm are one line each; features of batch_norm are lines `stride` apart.
struct Groups {
  std::int64_t groups, n, line, stride;
  __device__ __forceinline__ std::int64_t position(std::int64_t r, std::int64_t j) const {
    return j / line * stride + r * line + j % line;
  }
};

template <class T>
struct Moments {
  T mean, var;
};

// Which entry of weight and bias belongs to entry j of row r.
struct PerEntry {
  __device__ __forceinline__ std::int64_t operator()(std::int64_t, std::int64_t j) const {
    return j;
  }
};
struct PerRow {
  __device__ __forceinline__ std::int64_t operator()(std::int64_t r, std::int64_t) const {
    return r;
  }
};
// Rows are groups of `channels` lines, `groups` of them in a sample.
struct PerChannel {
  std::int64_t groups, channels, line;
  __device__ __forceinline__ std::int64_t operator()(std::int64_t r, std::int64_t j) const {
    return r % groups * channels + j / line;
  }
};

// Where the mean is not taken away, it is 0 and the variance the mean square.
template <int G, bool kCentred, class T>
__device__ __forceinline__ Moments<T> moments_of(const T* x, const Groups& s,
                                                 const RowOfThread<G>& at) {
  T mean = 0, squares = 0;
  if constexpr (kCentred) {
    T sum = 0;
    for (std::int64_t j = at.lane; j < s.n; j += G) sum += x[s.position(at.row, j)];
    mean = group_reduce<G>(sum, AddUp{}) / static_cast<T>(s.n);
  }
  for (std::int64_t j = at.lane; j < s.n; j += G) {
    const T d = x[s.position(at.row, j)] - mean;
    squares += d * d;
  }
  return {mean, group_reduce<G>(squares, AddUp{}) / static_cast<T>(s.n)};
}

template <int G, bool kCentred, class Affine, class T>
__global__ void __launch_bounds__(kThreads)
    normalize(const T* x, const T* weight, const T* bias, T* y, T* means, T* vars, T eps, Groups s,
              Affine affine) {
  const RowOfThread<G> at;
  if (at.row >= s.groups) return;
  const Moments<T> m = moments_of<G, kCentred>(x, s, at);
  if (at.lane == 0 && means) {
    means[at.row] = m.mean;
    vars[at.row] = m.var;
  }
  const T scale = T(1) / sqrt(m.var + eps);
  for (std::int64_t j = at.lane; j < s.n; j += G) {
    const std::int64_t k = s.position(at.row, j), a = affine(at.row, j);
    T v = (x[k] - m.mean) * scale;
    if (weight) v = v * weight[a];
    if (bias) v = v + bias[a];
    y[k] = v;
  }
}

// With h = (x - mean) scale: dx = (g w - mean(g w) - h mean(g w h)) scale. Of weights per row, the
// sums of g h and g are the gradients of weight and bias; of others, mean and scale are left for
// those who sum in other directions.
template <int G, bool kCentred, class Affine, class T>
__global__ void __launch_bounds__(kThreads)
    normalize_gradient(const T* g, const T* x, const T* weight, T* dx, T* d_weight, T* d_bias,
                       T* means, T* scales, T eps, Groups s, Affine affine) {
  const RowOfThread<G> at;
  if (at.row >= s.groups) return;
  constexpr bool kPerRow = std::is_same_v<Affine, PerRow>;
  T mean = 0, scale = 0;
  if (x) {
    const Moments<T> m = moments_of<G, kCentred>(x, s, at);
    mean = m.mean;
    scale = T(1) / sqrt(m.var + eps);
  }
  T sum = 0, dot = 0;
  for (std::int64_t j = at.lane; j < s.n; j += G) {
    const std::int64_t k = s.position(at.row, j);
    const T v = !kPerRow && weight ? g[k] * weight[affine(at.row, j)] : g[k];
    sum += v;
    if (x) dot += v * ((x[k] - mean) * scale);
  }
  sum = group_reduce<G>(sum, AddUp{});
  dot = group_reduce<G>(dot, AddUp{});
  if (at.lane == 0) {
    if (means) {
      means[at.row] = mean;
      scales[at.row] = scale;
    }
    if (kPerRow && d_weight) d_weight[at.row] = dot;
    if (kPerRow && d_bias) d_bias[at.row] = sum;
  }
  if (!dx) return;
  const T shift = kCentred ? sum / static_cast<T>(s.n) : T(0), slope = dot / static_cast<T>(s.n);
  const T factor = kPerRow && weight ? scale * weight[at.row] : scale;
  for (std::int64_t j = at.lane; j < s.n; j += G) {
    const std::int64_t k = s.position(at.row, j);
    const T v = !kPerRow && weight ? g[k] * weight[affine(at.row, j)] : g[k];
    dx[k] = (v - shift - (x[k] - mean) * scale * slope) * factor;
  }
}

template <class T>
T* optional_input(const KernelContext& c, int i) {
  return i < c.num_inputs ? c.input(i).as<T>() : nullptr;
}
template <class T>
T* optional_output(const KernelContext& c, int i) {
  return i < c.num_outputs ? c.output(i).as<T>() : nullptr;
}

}  // namespace catena::gpu
