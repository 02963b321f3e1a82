// What a reduction combines: sums, products, extremes, truth. Each says how a run of a line is
// combined, how rows are combined column by column, and how such results are joined.
#pragma once

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kChunk = 4096;  // elements of a line looked at in one run

template <class T>
struct SumReal {
  using In = T;
  using Block = T;     // what a short run is added up in
  using Acc = double;  // what runs are added up in
  static constexpr std::int64_t kRun = 32 * 8 * Batch<T>::size;
  static constexpr Acc kIdentity = 0;
  static constexpr Block kBlockIdentity = 0;
  static CATENA_INLINE Acc combine(Acc a, Acc b) { return a + b; }

  // n <= kRun
  static CATENA_INLINE Acc line(const T* p, std::int64_t n) {
    using B = Batch<T>;
    constexpr std::int64_t w = B::size;
    if (n <= w)
      return static_cast<Acc>(sum_of_lanes<T>(n == w ? B::load_unaligned(p) : load_partial(p, n)));
    B a0(T(0)), a1(T(0)), a2(T(0)), a3(T(0)), a4(T(0)), a5(T(0)), a6(T(0)), a7(T(0));
    std::int64_t i = 0;
    for (; i + 8 * w <= n; i += 8 * w) {
      a0 = a0 + B::load_unaligned(p + i);
      a1 = a1 + B::load_unaligned(p + i + w);
      a2 = a2 + B::load_unaligned(p + i + 2 * w);
      a3 = a3 + B::load_unaligned(p + i + 3 * w);
      a4 = a4 + B::load_unaligned(p + i + 4 * w);
      a5 = a5 + B::load_unaligned(p + i + 5 * w);
      a6 = a6 + B::load_unaligned(p + i + 6 * w);
      a7 = a7 + B::load_unaligned(p + i + 7 * w);
    }
    for (; i + w <= n; i += w) a0 = a0 + B::load_unaligned(p + i);
    if (i < n) a1 = a1 + load_partial(p + i, n - i);
    return static_cast<Acc>(sum_of_lanes<T>(((a0 + a1) + (a2 + a3)) + ((a4 + a5) + (a6 + a7))));
  }
  static CATENA_INLINE void four_rows(Block* block, const T* const* p, std::int64_t n) {
    using B = Batch<T>;
    constexpr std::int64_t w = B::size;
    std::int64_t i = 0;
    for (; i + w <= n; i += w) {
      const B a = B::load_unaligned(p[0] + i) + B::load_unaligned(p[1] + i);
      const B b = B::load_unaligned(p[2] + i) + B::load_unaligned(p[3] + i);
      (B::load_unaligned(block + i) + (a + b)).store_unaligned(block + i);
    }
    for (; i < n; ++i) block[i] += (p[0][i] + p[1][i]) + (p[2][i] + p[3][i]);
  }
  static CATENA_INLINE void one_row(Block* block, const T* p, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) block[i] += p[i];
  }
};

// Wraps around on overflow, as NumPy does.
template <class T>
struct SumInteger {
  using In = T;
  using Block = std::uint64_t;
  using Acc = std::uint64_t;
  static constexpr std::int64_t kRun = kChunk;
  static constexpr Acc kIdentity = 0;
  static constexpr Block kBlockIdentity = 0;
  static CATENA_INLINE Acc widen(T v) { return static_cast<Acc>(static_cast<std::int64_t>(v)); }
  static CATENA_INLINE Acc combine(Acc a, Acc b) { return a + b; }
  static CATENA_INLINE Acc line(const T* p, std::int64_t n) {
    Acc total = 0;
    for (std::int64_t i = 0; i < n; ++i) total += widen(p[i]);
    return total;
  }
  static CATENA_INLINE void four_rows(Block* block, const T* const* p, std::int64_t n) {
    const T *a = p[0], *b = p[1], *c = p[2], *d = p[3];
    for (std::int64_t i = 0; i < n; ++i)
      block[i] += widen(a[i]) + widen(b[i]) + widen(c[i]) + widen(d[i]);
  }
  static CATENA_INLINE void one_row(Block* block, const T* p, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) block[i] += widen(p[i]);
  }
};

template <class T>
constexpr bool kIsReal = std::numeric_limits<T>::has_infinity;

// Reals in float64; integers wrap around on overflow, as NumPy's do.
template <class T>
struct ProductOf {
  using In = T;
  using Acc = std::conditional_t<kIsReal<T>, double, std::uint64_t>;
  using Block = Acc;
  static constexpr std::int64_t kRun = kChunk;
  static constexpr Acc kIdentity = 1;
  static constexpr Block kBlockIdentity = 1;
  static CATENA_INLINE Acc widen(T v) {
    if constexpr (kIsReal<T>)
      return v;
    else
      return static_cast<Acc>(static_cast<std::int64_t>(v));
  }
  static CATENA_INLINE Acc combine(Acc a, Acc b) { return a * b; }
  static CATENA_INLINE Acc line(const T* p, std::int64_t n) {
    Acc part[8] = {1, 1, 1, 1, 1, 1, 1, 1};
    std::int64_t i = 0;
    for (; i + 8 <= n; i += 8)
      for (int k = 0; k < 8; ++k) part[k] *= widen(p[i + k]);
    for (; i < n; ++i) part[0] *= widen(p[i]);
    return ((part[0] * part[1]) * (part[2] * part[3])) *
           ((part[4] * part[5]) * (part[6] * part[7]));
  }
  static CATENA_INLINE void four_rows(Block* block, const T* const* p, std::int64_t n) {
    const T *a = p[0], *b = p[1], *c = p[2], *d = p[3];
    for (std::int64_t i = 0; i < n; ++i)
      block[i] *= (widen(a[i]) * widen(b[i])) * (widen(c[i]) * widen(d[i]));
  }
  static CATENA_INLINE void one_row(Block* block, const T* p, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) block[i] *= widen(p[i]);
  }
};

// Whether all, or any, entries are not zero; NaN is not.
template <class T, bool kAll>
struct TruthOf {
  using In = T;
  using Block = std::uint8_t;
  using Acc = std::uint8_t;
  static constexpr std::int64_t kRun = kChunk;
  static constexpr Acc kIdentity = kAll;
  static constexpr Block kBlockIdentity = kAll;
  static CATENA_INLINE Acc combine(Acc a, Acc b) { return kAll ? a & b : a | b; }
  static CATENA_INLINE Acc line(const T* p, std::int64_t n) {
    Acc found = kIdentity;
    for (std::int64_t i = 0; i < n; ++i) found = combine(found, p[i] != T(0));
    return found;
  }
  static CATENA_INLINE void four_rows(Block* block, const T* const* p, std::int64_t n) {
    for (int r = 0; r < 4; ++r) one_row(block, p[r], n);
  }
  static CATENA_INLINE void one_row(Block* block, const T* p, std::int64_t n) {
    for (std::int64_t i = 0; i < n; ++i) block[i] = combine(block[i], p[i] != T(0));
  }
};

template <bool kLargest, class T>
CATENA_INLINE bool beats(T x, T best) {
  const bool better = kLargest ? x > best : x < best;
  if constexpr (kIsReal<T>)
    return better || (x != x && best == best);
  else
    return better;
}

// The largest or smallest entry. NaN wins, and stays.
template <class T, bool kLargest>
struct ExtremeOf {
  using In = T;
  using Block = T;
  using Acc = T;
  using Limits = std::numeric_limits<T>;
  static constexpr std::int64_t kRun = kChunk;
  static constexpr Acc kIdentity = kIsReal<T>
                                       ? (kLargest ? -Limits::infinity() : Limits::infinity())
                                   : kLargest ? Limits::lowest()
                                              : Limits::max();
  static constexpr Block kBlockIdentity = kIdentity;
  static CATENA_INLINE Acc combine(Acc a, Acc b) { return beats<kLargest>(b, a) ? b : a; }
  static CATENA_INLINE Batch<T> combine(const Batch<T>& a, const Batch<T>& b) requires kIsReal<T> {
    return xsimd::select((kLargest ? b > a : b < a) || xsimd::isnan(b), b, a);
  }
  static CATENA_INLINE Acc line(const T* p, std::int64_t n) {
    Acc best = kIdentity;
    if constexpr (kIsReal<T>) {
      using B = Batch<T>;
      constexpr std::int64_t w = B::size;
      if (n >= w) {
        B a(kIdentity), b(kIdentity), c(kIdentity), d(kIdentity);
        std::int64_t i = 0;
        for (; i + 4 * w <= n; i += 4 * w) {
          a = combine(a, B::load_unaligned(p + i));
          b = combine(b, B::load_unaligned(p + i + w));
          c = combine(c, B::load_unaligned(p + i + 2 * w));
          d = combine(d, B::load_unaligned(p + i + 3 * w));
        }
        for (; i + w <= n; i += w) a = combine(a, B::load_unaligned(p + i));
        // The last batch overlaps the one before: an extreme may see an element twice.
        b = combine(b, B::load_unaligned(p + n - w));
        alignas(64) T lanes[w];
        combine(combine(a, b), combine(c, d)).store_aligned(lanes);
        for (std::int64_t k = 0; k < w; ++k) best = combine(best, lanes[k]);
        return best;
      }
    }
    for (std::int64_t i = 0; i < n; ++i) best = combine(best, p[i]);
    return best;
  }
  static CATENA_INLINE void one_row(Block* block, const T* p, std::int64_t n) {
    std::int64_t i = 0;
    if constexpr (kIsReal<T>) {
      using B = Batch<T>;
      constexpr std::int64_t w = B::size;
      for (; i + w <= n; i += w)
        combine(B::load_unaligned(block + i), B::load_unaligned(p + i)).store_unaligned(block + i);
    }
    for (; i < n; ++i) block[i] = combine(block[i], p[i]);
  }
  static CATENA_INLINE void four_rows(Block* block, const T* const* p, std::int64_t n) {
    for (int r = 0; r < 4; ++r) one_row(block, p[r], n);
  }
};

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
