// Reduction of the middle of [outer, n, inner]. Long rows are cut into chunks whose partial results
// are reduced in turn; chunks and trees depend on the shape only, so the bits do too.
#pragma once

#include <limits>
#include <memory>

#include "catena/backends/cuda/group.cuh"

namespace catena::gpu {

// What is reduced and how:
//   In, Acc, Out              types of the elements, of partial results, of the result
//   Acc init(); Acc load(In, std::int64_t j); Acc operator()(Acc, Acc); Out finish(Acc)
template <class T>
struct SumOf {
  using In = T;
  using Acc = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
  using Out = Acc;
  __device__ Acc init() const { return Acc(0); }
  __device__ Acc load(In x, std::int64_t) const { return static_cast<Acc>(x); }
  __device__ Acc operator()(Acc a, Acc b) const { return a + b; }
  __device__ Out finish(Acc a) const { return a; }
};
template <class T>
struct MeanOf : SumOf<T> {
  T count;
  explicit MeanOf(std::int64_t n) : count(static_cast<T>(n)) {}
  __device__ T finish(T a) const { return a / count; }
};
template <class T>
struct ProductOf : SumOf<T> {
  using Acc = typename SumOf<T>::Acc;
  __device__ Acc init() const { return Acc(1); }
  __device__ Acc operator()(Acc a, Acc b) const { return a * b; }
};
// Whether all, or any, entries are not zero.
template <class T, bool kAll>
struct TruthOf {
  using In = T;
  using Acc = int;
  using Out = bool;
  __device__ Acc init() const { return kAll; }
  __device__ Acc load(In x, std::int64_t) const { return x != T(0); }
  __device__ Acc operator()(Acc a, Acc b) const { return kAll ? a & b : a | b; }
  __device__ Out finish(Acc a) const { return a != 0; }
};
// The largest or smallest entry; NaN wins.
template <class T, bool kLargest>
struct ExtremeOf {
  using In = T;
  using Acc = std::conditional_t<(sizeof(T) < 4), std::int32_t, T>;
  using Out = T;
  using Limits = std::numeric_limits<Acc>;
  Acc beyond = kLargest ? (Limits::has_infinity ? -Limits::infinity() : Limits::lowest())
                        : (Limits::has_infinity ? Limits::infinity() : Limits::max());
  __device__ Acc init() const { return beyond; }
  __device__ Acc load(In x, std::int64_t) const { return static_cast<Acc>(x); }
  __device__ Acc operator()(Acc a, Acc b) const {
    return std::conditional_t<kLargest, Larger, Smaller>{}(a, b);
  }
  __device__ Out finish(Acc a) const { return static_cast<Out>(a); }
};
template <class T, bool kLargest>
struct PlaceOf {
  using In = T;
  using Value = typename ExtremeOf<T, kLargest>::Acc;
  using Acc = Best<Value>;
  using Out = std::int64_t;
  Value worst = ExtremeOf<T, kLargest>{}.beyond;
  std::int64_t beyond = INT64_MAX;  // the index of no entry
  __device__ Acc init() const { return {worst, beyond}; }
  __device__ Acc load(In x, std::int64_t j) const { return {static_cast<Value>(x), j}; }
  __device__ Acc operator()(const Acc& a, const Acc& b) const {
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    bool a_wins;
    if (a_nan || b_nan)
      a_wins = a_nan && (!b_nan || a.index < b.index);
    else if (a.value == b.value)
      a_wins = a.index < b.index;
    else
      a_wins = (a.value > b.value) == kLargest;
    return a_wins ? a : b;
  }
  __device__ Out finish(const Acc& a) const { return a.index; }
};

struct Rows {
  std::int64_t outer, n, inner;
  std::int64_t length;  // of a chunk
  std::int64_t chunks;
};

// First: the input holds elements, else partial results. Last: the result is finished.
template <int G, bool First, bool Last, class R>
__global__ void __launch_bounds__(kThreads) reduce_rows(R r, const void* in, void* out, Rows s) {
  const RowOfThread<G> at;
  if (at.row >= s.outer * s.chunks * s.inner) return;
  const std::int64_t i = at.row % s.inner;
  const std::int64_t c = at.row / s.inner % s.chunks;
  const std::int64_t o = at.row / s.inner / s.chunks;
  const std::int64_t base = o * s.n * s.inner + i;
  const std::int64_t begin = c * s.length;
  const std::int64_t end = begin + s.length < s.n ? begin + s.length : s.n;
  typename R::Acc acc = r.init();
#pragma unroll 4
  for (std::int64_t j = begin + at.lane; j < end; j += G) {
    const std::int64_t k = base + j * s.inner;
    if constexpr (First)
      acc = r(acc, r.load(static_cast<const typename R::In*>(in)[k], j));
    else
      acc = r(acc, static_cast<const typename R::Acc*>(in)[k]);
  }
  acc = group_reduce<G>(acc, r);
  if (at.lane != 0) return;
  if constexpr (Last)
    static_cast<typename R::Out*>(out)[at.row] = r.finish(acc);
  else
    static_cast<typename R::Acc*>(out)[at.row] = acc;
}

// The chunk length for rows of n entries `inner` apart.
inline std::int64_t chunk_length(std::int64_t outer, std::int64_t n, std::int64_t inner) {
  // One thread adds a chunk of a column: short chunks where there are few columns.
  if (inner > 1) {
    const std::int64_t length = outer * inner < 65536 ? 64 : 512;
    return n <= 2 * length ? n : length;
  }
  constexpr std::int64_t kBlock = 16384;  // 64 entries for each thread of a block
  return n <= 2 * kBlock ? n : kBlock;
}

template <bool First, class R>
void reduce_from(const R& r, const void* in, void* out, std::int64_t outer, std::int64_t n,
                 std::int64_t inner, int device, cudaStream_t stream) {
  if (outer * inner == 0) return;
  Rows s{outer, n, inner, chunk_length(outer, n, inner), 1};
  if (s.length > 0) s.chunks = (n + s.length - 1) / s.length;
  const std::int64_t rows = outer * s.chunks * inner;
  with_group(s.length, inner, [&](auto group) {
    constexpr int G = decltype(group)::value;
    if (s.chunks == 1) {
      reduce_rows<G, First, true, R>
          <<<blocks_for_rows(rows, G), kThreads, 0, stream>>>(r, in, out, s);
      CATENA_LAUNCHED("reduce_rows");
      return;
    }
    const Scratch partial(static_cast<std::size_t>(rows) * sizeof(typename R::Acc), device);
    reduce_rows<G, First, false, R>
        <<<blocks_for_rows(rows, G), kThreads, 0, stream>>>(r, in, partial.data(), s);
    CATENA_LAUNCHED("reduce_rows");
    reduce_from<false>(r, partial.data(), out, outer, s.chunks, inner, device, stream);
  });
}

// out[outer, inner] = reduction of in[outer, n, inner].
template <class R>
void reduce(const R& r, const void* in, void* out, std::int64_t outer, std::int64_t n,
            std::int64_t inner, int device, cudaStream_t stream) {
  reduce_from<true>(r, in, out, outer, n, inner, device, stream);
}

}  // namespace catena::gpu
