// Rows of neighbouring entries normalised together, and the gradients of several rows at once:
// what layer_norm, rms_norm and group_norm share.
#pragma once

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/row_math.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Rows whose parts of the gradients of weight and bias are added up in the dtype of x.
constexpr std::int64_t kBlockRows = 64;
constexpr std::int64_t kFewRows = 4;  // rows worked on together

// What turns x into h = (x - mean) * scale.
template <class T>
struct Standard {
  T mean, scale;
};

template <class T>
CATENA_INLINE T* data_of(const TensorView& v) {
  return static_cast<T*>(v.data);
}

CATENA_INLINE double inverse_root(double var, double eps) { return 1 / __builtin_sqrt(var + eps); }

// Mean and variance of a row; where the mean is not taken away, 0 and the mean square.
template <class T>
struct RowMoments {
  T mean;
  double var;
};
template <bool kCentred, class T>
CATENA_INLINE RowMoments<T> row_moments(const T* x, std::int64_t n) {
  const double count = static_cast<double>(n);
  T mean = T(0);
  if constexpr (kCentred)
    mean = static_cast<T>(
        sum_terms<T>(n, [&](std::int64_t i, std::int64_t lanes) { return load(x + i, lanes); }) /
        count);
  const Batch<T> m(mean);
  const double squares = sum_terms<T>(n, [&](std::int64_t i, std::int64_t lanes) {
    const Batch<T> d = load(x + i, lanes, mean) - m;
    return d * d;
  });
  return {mean, squares / count};
}
template <bool kCentred, class T>
CATENA_INLINE Standard<T> standard_of(const T* x, std::int64_t n, double eps) {
  const RowMoments<T> moments = row_moments<kCentred>(x, n);
  return {moments.mean, static_cast<T>(inverse_root(moments.var, eps))};
}

// The gradients of up to kFewRows rows, `stride` entries apart. weight has an entry for each of a
// row; d_weight and d_bias grow by the sums over these rows.
template <bool kCentred, class T>
void gradient_rows(const T* g, const T* x, T* dx, std::int64_t rows, std::int64_t n,
                   std::int64_t stride, double eps, const T* weight, T* d_weight, T* d_bias) {
  using B = Batch<T>;
  // Of each row: mean, scale, and the means of g w and g w h, times scale.
  B mean[kFewRows], scale[kFewRows], shift[kFewRows], slope[kFewRows];
  for (std::int64_t r = 0; r < rows && x; ++r) {
    const T *xr = x + r * stride, *gr = g + r * stride;
    const Standard<T> s = standard_of<kCentred>(xr, n, eps);
    mean[r] = B(s.mean);
    scale[r] = B(s.scale);
    if (!dx) continue;
    const double count = static_cast<double>(n);
    const auto weighted = [&](std::int64_t i, std::int64_t lanes) {
      const B v = load(gr + i, lanes);
      return weight ? v * load(weight + i, lanes) : v;
    };
    const double dot = sum_terms<T>(n, [&](std::int64_t i, std::int64_t lanes) {
      return weighted(i, lanes) * ((load(xr + i, lanes) - mean[r]) * scale[r]);
    });
    shift[r] = B(kCentred ? static_cast<T>(sum_terms<T>(n, weighted) / count) : T(0));
    slope[r] = B(static_cast<T>(dot / count));
  }
  for_batches<T>(n, [&](std::int64_t i, std::int64_t lanes) {
    const B w = weight && dx ? load(weight + i, lanes) : B(T(1));
    B sum_g(T(0)), sum_gh(T(0));
    for (std::int64_t r = 0; r < rows; ++r) {
      const B v = load(g + r * stride + i, lanes);
      sum_g = sum_g + v;
      if (!x) continue;
      const B h = (load(x + r * stride + i, lanes) - mean[r]) * scale[r];
      sum_gh = sum_gh + v * h;
      if (dx) store(dx + r * stride + i, (v * w - shift[r] - h * slope[r]) * scale[r], lanes);
    }
    if (d_weight) store(d_weight + i, load(d_weight + i, lanes) + sum_gh, lanes);
    if (d_bias) store(d_bias + i, load(d_bias + i, lanes) + sum_g, lanes);
  });
}

// to[c] = the sum over the parts, in order, of part[c].
template <class T>
void add_parts(const T* parts, std::int64_t count, std::int64_t n, T* to) {
  constexpr std::int64_t kColumns = 512;
  const std::int64_t blocks = (n + kColumns - 1) / kColumns;
  parallel(blocks, max_of<std::int64_t>(1, kRowGrain / (kColumns * max_of<std::int64_t>(1, count))),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t b = begin; b < end; ++b) {
               const std::int64_t first = b * kColumns, width = min_of(kColumns, n - first);
               double total[kColumns];
               for (std::int64_t c = 0; c < width; ++c) total[c] = 0;
               for (std::int64_t k = 0; k < count; ++k)
                 for (std::int64_t c = 0; c < width; ++c)
                   total[c] += static_cast<double>(parts[k * n + first + c]);
               for (std::int64_t c = 0; c < width; ++c) to[first + c] = static_cast<T>(total[c]);
             }
           });
}

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
