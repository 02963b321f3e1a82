// Reductions within a group of G threads that share a row: one thread, a warp or a whole block. The
// tree depends on G only, and every thread gets the same bits.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <limits>

#include "catena/backends/cuda/map.cuh"

namespace catena::gpu {

template <class T>
inline constexpr T kInfinity = std::numeric_limits<T>::infinity();
template <class T>
inline constexpr T kNaN = std::numeric_limits<T>::quiet_NaN();

// The largest entry so far and where it stands.
template <class T>
struct Best {
  T value;
  std::int64_t index;
};

template <class T>
__device__ __forceinline__ T shuffle_down(const T& v, int by) {
  return __shfl_down_sync(0xffffffffu, v, by);
}
template <class T>
__device__ __forceinline__ Best<T> shuffle_down(const Best<T>& v, int by) {
  return {shuffle_down(v.value, by), shuffle_down(v.index, by)};
}
template <class T>
__device__ __forceinline__ T from_first_lane(const T& v) {
  return __shfl_sync(0xffffffffu, v, 0);
}
template <class T>
__device__ __forceinline__ Best<T> from_first_lane(const Best<T>& v) {
  return {from_first_lane(v.value), from_first_lane(v.index)};
}

// f(v of lane 0, v of lane 1, ...) as a tree. All G threads must call it.
template <int G, class T, class F>
__device__ __forceinline__ T group_reduce(T v, const F& f) {
  static_assert(G == 1 || G == 32 || G == kThreads);
  if constexpr (G == 1) {
    return v;
  } else {
#pragma unroll
    for (int by = 16; by > 0; by /= 2) v = f(v, shuffle_down(v, by));
    if constexpr (G == kThreads) {
      constexpr int kWarps = kThreads / 32;
      __shared__ T warps[kWarps];
      if (threadIdx.x % 32 == 0) warps[threadIdx.x / 32] = v;
      __syncthreads();
      v = warps[threadIdx.x % kWarps];
      __syncthreads();  // before the next call writes `warps`
#pragma unroll
      for (int by = kWarps / 2; by > 0; by /= 2) v = f(v, shuffle_down(v, by));
    }
    return from_first_lane(v);
  }
}

struct AddUp {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a + b;
  }
};
// The larger one; NaN wins.
struct Larger {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a > b || a != a ? a : b;
  }
};

// The smaller one; NaN wins.
struct Smaller {
  template <class T>
  __device__ __forceinline__ T operator()(T a, T b) const {
    return a < b || a != a ? a : b;
  }
};

// Rows of a tensor seen as [outer, n, inner]: row r starts at `base` and its entries lie `inner`
// apart. A group of G threads takes one row.
template <int G>
struct RowOfThread {
  std::int64_t row;
  int lane;  // within the group
  __device__ __forceinline__ RowOfThread() {
    constexpr int kGroups = kThreads / G;
    row = std::int64_t{blockIdx.x} * kGroups + threadIdx.x / G;
    lane = threadIdx.x % G;
  }
};

inline unsigned blocks_for_rows(std::int64_t rows, int group) {
  return static_cast<unsigned>((rows + kThreads / group - 1) / (kThreads / group));
}

// Calls f with the group size that suits rows of n entries `inner` apart, as a constant.
template <class F>
void with_group(std::int64_t n, std::int64_t inner, const F& f) {
  if (inner > 1)
    f(std::integral_constant<int, 1>{});
  else if (n <= 1024)
    f(std::integral_constant<int, 32>{});
  else
    f(std::integral_constant<int, kThreads>{});
}

}  // namespace catena::gpu
