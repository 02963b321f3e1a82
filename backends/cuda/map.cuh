// out[...] = f(in0[...], in1[...], ...) over one shape, any strides.
#pragma once

#include <cuda_runtime.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "catena/backends/cuda/nest.hpp"
#include "catena/backends/cuda/runtime.hpp"

namespace catena::gpu {

inline constexpr int kThreads = 256;

// Blocks that keep the device busy; kernels step through the rest.
inline unsigned grid_for(std::int64_t threads, int device) {
  const std::int64_t blocks = (threads + kThreads - 1) / kThreads;
  return static_cast<unsigned>(
      std::max<std::int64_t>(1, std::min<std::int64_t>(blocks, multiprocessors(device) * 16)));
}

// A few elements read or written by one instruction.
template <class T, int V>
struct alignas(sizeof(T) * V) Pack {
  T v[V];
};

template <int N>
struct Flat {
  char* data[N];
  bool repeats[N];  // one element stands for all (or, with null data, zero does)
  std::int64_t packs;
  std::int64_t numel;
};

template <class T>
__device__ __forceinline__ T load_at(const char* data, std::int64_t i) {
  return data ? reinterpret_cast<const T*>(data)[i] : T(0);
}
template <class T, int V>
__device__ __forceinline__ Pack<T, V> load_pack(const char* data, bool repeats, std::int64_t i) {
  if (!repeats) return reinterpret_cast<const Pack<T, V>*>(data)[i];
  Pack<T, V> p;
  const T value = load_at<T>(data, 0);
#pragma unroll
  for (int j = 0; j < V; ++j) p.v[j] = value;
  return p;
}

template <int V, class F, class R, class... In, std::size_t... I>
__device__ __forceinline__ void map_flat_body(const F& f, const Flat<1 + sizeof...(In)>& a,
                                              std::index_sequence<I...>) {
  const std::int64_t first = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x;
  const std::int64_t step = std::int64_t{gridDim.x} * blockDim.x;
  for (std::int64_t i = first; i < a.packs; i += step) {
    const auto apply = [&](const Pack<In, V>&... in) {
      Pack<R, V> out;
#pragma unroll
      for (int j = 0; j < V; ++j) out.v[j] = f(in.v[j]...);
      reinterpret_cast<Pack<R, V>*>(a.data[0])[i] = out;
    };
    apply(load_pack<In, V>(a.data[1 + I], a.repeats[1 + I], i)...);
  }
  for (std::int64_t i = a.packs * V + first; i < a.numel; i += step)
    reinterpret_cast<R*>(a.data[0])[i] = f(load_at<In>(a.data[1 + I], a.repeats[1 + I] ? 0 : i)...);
}
template <int V, class F, class R, class... In>
__global__ void __launch_bounds__(kThreads) map_flat(F f, Flat<1 + sizeof...(In)> a) {
  map_flat_body<V, F, R, In...>(f, a, std::index_sequence_for<In...>{});
}

template <class F, class R, class... In, std::size_t... I>
__device__ __forceinline__ void map_nest_body(const F& f, const Nest<1 + sizeof...(In)>& a,
                                              std::index_sequence<I...>) {
  const std::uint32_t step = gridDim.x * blockDim.x;
  // 64-bit counter: numel may lie close to 2^31 and one step beyond it must not wrap.
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < a.numel;
       i += step) {
    std::int64_t at[1 + sizeof...(In)];
    a.offsets(static_cast<std::uint32_t>(i), at);
    reinterpret_cast<R*>(a.data[0])[at[0]] = f(load_at<In>(a.data[1 + I], at[1 + I])...);
  }
}
template <class F, class R, class... In>
__global__ void __launch_bounds__(kThreads)
    map_nest(F f, const __grid_constant__ Nest<1 + sizeof...(In)> a) {
  map_nest_body<F, R, In...>(f, a, std::index_sequence_for<In...>{});
}

// Launches f over the shape of views[0]; views[1..] are the inputs, with that shape (broadcast by
// strides of 0) or null data, which reads as zero.
template <class R, class... In, class F>
void map(const F& f, const TensorView* const (&views)[1 + sizeof...(In)], int device,
         cudaStream_t stream) {
  constexpr int N = 1 + sizeof...(In);
  const WideNest<N> nest = merge(views);
  const std::int64_t numel = nest.numel();
  if (numel == 0) return;
  if (nest.flat()) {
    constexpr std::size_t kWidest = std::max({sizeof(R), sizeof(In)...});
    constexpr int V = static_cast<int>(16 / kWidest);
    constexpr std::size_t kSizes[] = {sizeof(R), sizeof(In)...};
    Flat<N> flat{};
    flat.numel = numel;
    flat.packs = numel / V;
    for (int k = 0; k < N; ++k) {
      flat.data[k] = nest.data[k];
      flat.repeats[k] = k > 0 && (!nest.data[k] || nest.rank == 0 || nest.stride[k][0] == 0);
      // Packs need aligned addresses; a view that starts in between goes element by element.
      if (!flat.repeats[k] && reinterpret_cast<std::uintptr_t>(nest.data[k]) % (kSizes[k] * V))
        flat.packs = 0;
    }
    const std::int64_t work = std::max(flat.packs, numel - flat.packs * V);
    map_flat<V, F, R, In...><<<grid_for(work, device), kThreads, 0, stream>>>(f, flat);
    CATENA_LAUNCHED("map_flat");
    return;
  }
  for_each_piece(nest, [&](const Nest<N>& piece) {
    map_nest<F, R, In...><<<grid_for(piece.numel, device), kThreads, 0, stream>>>(f, piece);
    CATENA_LAUNCHED("map_nest");
  });
}

}  // namespace catena::gpu
