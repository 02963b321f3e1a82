// Tensors seen as [batch, features, line], for kernels that work on one feature after the other.
#pragma once

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/row_math.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

struct Extent {
  std::int64_t batch, features, line;
  double count;  // values of a feature
};

CATENA_INLINE Extent extent_of(const TensorView& x) {
  const std::int64_t* sizes = x.shape.data();
  Extent e{sizes[0], sizes[1], 1, 0};
  for (int d = 2; d < x.shape.rank(); ++d) e.line *= sizes[d];
  e.count = static_cast<double>(e.batch * e.line);
  return e;
}

// One feature, whose values lie in lines: batches of neighbouring values.
template <class T>
struct LineFeature {
  using B = Batch<T>;
  static constexpr std::int64_t kWidth = 1;
  const Extent& e;
  std::int64_t feature;
  std::int64_t width = 1;  // features looked at

  // Calls f(position, lanes in use) for all values.
  template <class F>
  CATENA_INLINE void visit(const F& f) const {
    for (std::int64_t k = 0; k < e.batch; ++k) {
      const std::int64_t start = (k * e.features + feature) * e.line;
      for_batches<T>(e.line, [&](std::int64_t i, std::int64_t lanes) { f(start + i, lanes); });
    }
  }
  // total[feature] = the sum of term(position, lanes in use), which is zero in the other lanes.
  template <class Term>
  CATENA_INLINE void sum(const Term& term, double* total) const {
    total[0] = 0;
    for (std::int64_t k = 0; k < e.batch; ++k) {
      const std::int64_t start = (k * e.features + feature) * e.line;
      total[0] += sum_terms<T>(
          e.line, [&](std::int64_t i, std::int64_t lanes) { return term(start + i, lanes); });
    }
  }
  // One number per feature as a batch beside its values.
  CATENA_INLINE B spread(const T* numbers) const { return B(numbers[0]); }
};

// As many features as a batch has lanes, side by side; lines of one value.
template <class T>
struct ColumnFeatures {
  using B = Batch<T>;
  static constexpr std::int64_t kWidth = B::size;
  const Extent& e;
  std::int64_t feature;
  std::int64_t width = min_of<std::int64_t>(kWidth, e.features - feature);

  template <class F>
  CATENA_INLINE void visit(const F& f) const {
    for (std::int64_t k = 0; k < e.batch; ++k) f(k * e.features + feature, width);
  }
  template <class Term>
  CATENA_INLINE void sum(const Term& term, double* total) const {
    constexpr std::int64_t kTerms = 64;
    alignas(64) T part[kWidth];
    for (std::int64_t c = 0; c < kWidth; ++c) total[c] = 0;
    for (std::int64_t begin = 0; begin < e.batch; begin += kTerms) {
      const std::int64_t end = min_of(e.batch, begin + kTerms);
      B run(T(0));
      for (std::int64_t k = begin; k < end; ++k) run = run + term(k * e.features + feature, width);
      run.store_aligned(part);
      for (std::int64_t c = 0; c < kWidth; ++c) total[c] += static_cast<double>(part[c]);
    }
  }
  CATENA_INLINE B spread(const T* numbers) const { return load(numbers, width); }
};

// Calls f(features) for groups of features that are worked on together.
template <class T, class F>
CATENA_INLINE void for_features(const Extent& e, const F& f) {
  const std::int64_t values = max_of<std::int64_t>(1, e.batch * e.line);
  if (e.line > 1) {
    parallel(e.features, max_of<std::int64_t>(1, kRowGrain / values),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t c = begin; c < end; ++c) f(LineFeature<T>{e, c});
             });
    return;
  }
  constexpr std::int64_t w = Batch<T>::size;
  parallel((e.features + w - 1) / w, max_of<std::int64_t>(1, kRowGrain / (w * values)),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t u = begin; u < end; ++u) f(ColumnFeatures<T>{e, u * w});
           });
}

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
