// Shared by all CPU kernel sources, which are compiled once per instruction set with
// CATENA_ISA = baseline, avx2 or avx512.
//
// Every function in a kernel source lives in namespace catena::cpu::CATENA_ISA (or in an unnamed
// namespace inside it) and calls no inline function from elsewhere that the compiler could emit as
// a shared symbol: the linker would be free to put AVX code on the baseline path. So: no std::
// algorithms, vectors or math functions here; a check on the objects' symbols guards the rule.
#pragma once

#include <cstdint>
#include <cstring>
#include <limits>
#include <utility>

#include "catena/backends/cpu/parallel.hpp"
#include "catena/backends/cpu/xsimd_avx512.hpp"
#include "catena/graph/backend.hpp"

#ifndef CATENA_ISA
#error "kernel sources are compiled with CATENA_ISA set to an instruction set"
#endif

namespace catena::cpu::CATENA_ISA {

#if defined(CATENA_ISA_avx512)
using Arch = xsimd::avx512bw;
#elif defined(CATENA_ISA_avx2)
using Arch = xsimd::fma3<xsimd::avx2>;
#else
using Arch = xsimd::sse2;
#endif

template <class T>
using Batch = xsimd::batch<T, Arch>;

#define CATENA_INLINE inline __attribute__((always_inline))
// Before a loop whose rounds do not depend on one another, whatever its pointers may share.
#if defined(__clang__)
#define CATENA_INDEPENDENT_ROUNDS _Pragma("clang loop vectorize(assume_safety)")
#else
#define CATENA_INDEPENDENT_ROUNDS _Pragma("GCC ivdep")
#endif

// The first n (< Batch<T>::size) elements at p, the rest zero. T is float or double.
template <class T>
CATENA_INLINE Batch<T> load_partial(const T* p, std::int64_t n) {
#if defined(CATENA_ISA_avx512)
  if constexpr (sizeof(T) == 4)
    return Batch<T>(_mm512_maskz_loadu_ps(static_cast<__mmask16>((1u << n) - 1u), p));
  else
    return Batch<T>(_mm512_maskz_loadu_pd(static_cast<__mmask8>((1u << n) - 1u), p));
#else
  alignas(64) T buffer[Batch<T>::size] = {};
  for (std::int64_t i = 0; i < n; ++i) buffer[i] = p[i];
  return Batch<T>::load_aligned(buffer);
#endif
}

template <class T>
CATENA_INLINE void store_partial(T* p, const Batch<T>& v, std::int64_t n) {
#if defined(CATENA_ISA_avx512)
  if constexpr (sizeof(T) == 4)
    _mm512_mask_storeu_ps(p, static_cast<__mmask16>((1u << n) - 1u), v);
  else
    _mm512_mask_storeu_pd(p, static_cast<__mmask8>((1u << n) - 1u), v);
#else
  alignas(64) T buffer[Batch<T>::size];
  v.store_aligned(buffer);
  for (std::int64_t i = 0; i < n; ++i) p[i] = buffer[i];
#endif
}

// The lanes of a batch joined pairwise by f(a, b), halves first. xsimd's own reductions make g++ 12
// warn for AVX-512.
template <class T, int N>
using Lanes __attribute__((vector_size(N * sizeof(T)))) = T;
template <class T, int N, class F, int... I>
CATENA_INLINE T join_halves(Lanes<T, N> v, const F& f, std::integer_sequence<int, I...>) {
  if constexpr (N == 2) {
    return f(v[0], v[1]);
  } else {
    const Lanes<T, N / 2> low = __builtin_shufflevector(v, v, I...);
    const Lanes<T, N / 2> high = __builtin_shufflevector(v, v, (I + N / 2)...);
    return join_halves<T, N / 2>(f(low, high), f, std::make_integer_sequence<int, N / 4>{});
  }
}
template <class T, class F>
CATENA_INLINE T join_lanes(const Batch<T>& v, const F& f) {
  constexpr int n = static_cast<int>(Batch<T>::size);
  const typename Batch<T>::register_type lanes = v;
  return join_halves<T, n>(reinterpret_cast<Lanes<T, n>>(lanes), f,
                           std::make_integer_sequence<int, n / 2>{});
}
template <class T>
CATENA_INLINE T sum_of_lanes(const Batch<T>& v) {
  return join_lanes<T>(v, [](auto a, auto b) { return a + b; });
}
// Of lanes without NaN.
template <class T>
CATENA_INLINE T max_of_lanes(const Batch<T>& v) {
  return join_lanes<T>(v, [](auto a, auto b) { return a > b ? a : b; });
}

template <class T>
CATENA_INLINE T min_of(T a, T b) {
  return b < a ? b : a;
}
template <class T>
CATENA_INLINE T max_of(T a, T b) {
  return a < b ? b : a;
}

// size_of(), without the shared table behind it.
CATENA_INLINE std::int64_t element_bytes(DType dtype) {
  switch (dtype) {
    case DType::kFloat64:
    case DType::kInt64:
    case DType::kUInt64:
      return 8;
    case DType::kUInt8:
    case DType::kBool:
    case DType::kInt8:
      return 1;
    case DType::kFloat16:
    case DType::kBFloat16:
    case DType::kInt16:
    case DType::kUInt16:
      return 2;
    default:
      return 4;
  }
}

// parallel_for with a lambda body(begin, end).
template <class Body>
CATENA_INLINE void parallel(std::int64_t n, std::int64_t grain, const Body& body) {
  if (n <= grain) {
    if (n > 0) body(std::int64_t{0}, n);
    return;
  }
  parallel_for(
      n, grain,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<const Body*>(context))(begin, end);
      },
      const_cast<Body*>(&body));
}

// Calls f(T{}) with the C++ type of a floating dtype, or of any compute dtype.
template <class F>
CATENA_INLINE void visit_float(DType dtype, const F& f) {
  if (dtype == DType::kFloat64) f(double{});
  else f(float{});
}
template <class F>
CATENA_INLINE void visit_compute(DType dtype, const F& f) {
  switch (dtype) {
    case DType::kFloat64: return f(double{});
    case DType::kInt32: return f(std::int32_t{});
    case DType::kInt64: return f(std::int64_t{});
    case DType::kUInt8: return f(std::uint8_t{});
    case DType::kBool: return f(bool{});
    default: return f(float{});
  }
}

// The same for the dtypes of indices.
template <class F>
CATENA_INLINE void visit_index(DType dtype, const F& f) {
  if (dtype == DType::kInt32) f(std::int32_t{});
  else f(std::int64_t{});
}

// Steps through all lines (innermost dimension) of a strided tensor in row-major order. Kernels
// that read one strided input use it; dimension sizes and strides are the view's.
struct LineIterator {
  CATENA_INLINE explicit LineIterator(const TensorView& v) : view(v) {
    for (int i = 0; i < kMaxRank; ++i) index[i] = 0;
    offset = 0;
  }
  // Moves to line number `line` (of numel / last size).
  CATENA_INLINE void seek(std::int64_t line) {
    offset = 0;
    for (int d = view.shape.rank() - 2; d >= 0; --d) {
      index[d] = line % view.shape.data()[d];
      line /= view.shape.data()[d];
      offset += index[d] * view.strides.data()[d];
    }
  }
  CATENA_INLINE void next() {
    for (int d = view.shape.rank() - 2; d >= 0; --d) {
      offset += view.strides.data()[d];
      if (++index[d] < view.shape.data()[d]) return;
      offset -= index[d] * view.strides.data()[d];
      index[d] = 0;
    }
  }
  const TensorView& view;
  std::int64_t index[kMaxRank];
  std::int64_t offset;
};

}  // namespace catena::cpu::CATENA_ISA
