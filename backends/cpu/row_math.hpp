// Passes over one contiguous row, shared by softmax and the losses. float32 is added in float32
// within runs of kRun elements and in float64 beyond.
#pragma once

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/pointwise_program.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kRun = 4096;
// Elements of exponential work from which a second thread is worth it.
constexpr std::int64_t kRowGrain = 1 << 15;
// Elements of a program that are computed at a time where rows are short.
constexpr std::int64_t kProgramRows = 4096;

// Calls body(row, x) for rows [begin, end) of n elements of `in`, which is contiguous or a program.
// A program is run into out(row), of the rows that follow too, some rows at a time; x may be there.
template <class T, class Out, class Body>
CATENA_INLINE void for_input_rows(const TensorView& in, std::int64_t n, std::int64_t begin,
                                  std::int64_t end, const Out& out, const Body& body) {
  if (!in.program) {
    for (std::int64_t r = begin; r < end; ++r) body(r, static_cast<const T*>(in.data) + r * n);
    return;
  }
  const std::int64_t some = max_of<std::int64_t>(1, kProgramRows / n);
  for (std::int64_t first = begin; first < end; first += some) {
    const std::int64_t last = min_of(end, first + some);
    T* x = out(first);
    compute_range(*in.program, first * n, (last - first) * n, x);
    for (std::int64_t r = first; r < last; ++r) body(r, x + (r - first) * n);
  }
}

template <class T>
constexpr T kMinusInfinity = -std::numeric_limits<T>::infinity();

// The first n (< Batch<T>::size) elements at p, then `pad`.
template <class T>
CATENA_INLINE Batch<T> load_padded(const T* p, std::int64_t n, T pad) {
#if defined(CATENA_ISA_avx512)
  const Batch<T> rest(pad);
  if constexpr (sizeof(T) == 4)
    return Batch<T>(_mm512_mask_loadu_ps(rest, static_cast<__mmask16>((1u << n) - 1u), p));
  else
    return Batch<T>(_mm512_mask_loadu_pd(rest, static_cast<__mmask8>((1u << n) - 1u), p));
#else
  alignas(64) T buffer[Batch<T>::size];
  Batch<T>(pad).store_aligned(buffer);
  for (std::int64_t i = 0; i < n; ++i) buffer[i] = p[i];
  return Batch<T>::load_aligned(buffer);
#endif
}

// The sum over i < n of term(i, batch of i.., lanes in use). A term must be zero in unused lanes.
template <class T, class Term>
CATENA_INLINE double sum_terms(std::int64_t n, const Term& term) {
  using B = Batch<T>;
  constexpr std::int64_t w = B::size;
  double total = 0;
  for (std::int64_t begin = 0; begin < n; begin += kRun) {
    const std::int64_t end = min_of(n, begin + kRun);
    B a(T(0)), b(T(0)), c(T(0)), d(T(0));
    std::int64_t i = begin;
    for (; i + 4 * w <= end; i += 4 * w) {
      a = a + term(i, w);
      b = b + term(i + w, w);
      c = c + term(i + 2 * w, w);
      d = d + term(i + 3 * w, w);
    }
    for (; i + w <= end; i += w) a = a + term(i, w);
    if (i < end) b = b + term(i, end - i);
    total += static_cast<double>(sum_of_lanes<T>((a + b) + (c + d)));
  }
  return total;
}

// `count` = Batch<T>::size elements at p, or fewer with `pad` after them.
template <class T>
CATENA_INLINE Batch<T> load(const T* p, std::int64_t count, T pad = T(0)) {
  constexpr std::int64_t w = Batch<T>::size;
  return count == w ? Batch<T>::load_unaligned(p) : load_padded(p, count, pad);
}
template <class T>
CATENA_INLINE void store(T* p, const Batch<T>& v, std::int64_t count) {
  constexpr std::int64_t w = Batch<T>::size;
  if (count == w)
    v.store_unaligned(p);
  else
    store_partial(p, v, count);
}

// Zero in the lanes that are not in use.
template <class T>
CATENA_INLINE Batch<T> zero_beyond(const Batch<T>& v, std::int64_t count) {
  constexpr std::int64_t w = Batch<T>::size;
  if (count == w) return v;
  alignas(64) T lanes[w];
  v.store_aligned(lanes);
  return load_padded(lanes, count, T(0));
}

// Calls f(i, lanes in use) for consecutive batches of a row of n.
template <class T, class F>
CATENA_INLINE void for_batches(std::int64_t n, const F& f) {
  constexpr std::int64_t w = Batch<T>::size;
  std::int64_t i = 0;
  for (; i + w <= n; i += w) f(i, w);
  if (i < n) f(i, n - i);
}

// The largest entry; NaN may or may not be seen (the exponentials that follow are NaN anyway).
template <class T>
CATENA_INLINE T row_max(const T* p, std::int64_t n) {
  using B = Batch<T>;
  constexpr std::int64_t w = B::size;
  B a(kMinusInfinity<T>), b = a, c = a, d = a;
  std::int64_t i = 0;
  for (; i + 4 * w <= n; i += 4 * w) {
    a = xsimd::max(a, B::load_unaligned(p + i));
    b = xsimd::max(b, B::load_unaligned(p + i + w));
    c = xsimd::max(c, B::load_unaligned(p + i + 2 * w));
    d = xsimd::max(d, B::load_unaligned(p + i + 3 * w));
  }
  for (; i + w <= n; i += w) a = xsimd::max(a, B::load_unaligned(p + i));
  if (i < n) b = xsimd::max(b, load_padded(p + i, n - i, kMinusInfinity<T>));
  return max_of_lanes<T>(xsimd::max(xsimd::max(a, b), xsimd::max(c, d)));
}

// Sum of e^(x - shift).
template <class T>
CATENA_INLINE double row_exp_sum(const T* x, std::int64_t n, T shift) {
  const Batch<T> m(shift);
  return sum_terms<T>(n, [&](std::int64_t i, std::int64_t count) {
    return xsimd::exp(load(x + i, count, kMinusInfinity<T>) - m);
  });
}

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
