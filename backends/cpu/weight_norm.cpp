// CPU kernels of weight_norm: v seen as [batch, features, line], each feature having a length.
#include "catena/ops/weight_norm.hpp"

#include "catena/backends/cpu/features.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// The dimension along which g has entries is that of the features; without one there is one
// feature.
CATENA_INLINE Extent extent_of_lengths(const TensorView& v, const TensorView& g) {
  const int rank = g.shape.rank();
  int kept = 0;
  while (kept < rank && g.shape.data()[kept] == 1) ++kept;
  if (kept == rank) return {1, 1, v.numel, static_cast<double>(v.numel)};
  Extent e{1, g.shape.data()[kept], 1, 0};
  for (int d = 0; d < kept; ++d) e.batch *= v.shape.data()[d];
  for (int d = kept + 1; d < rank; ++d) e.line *= v.shape.data()[d];
  e.count = static_cast<double>(e.batch * e.line);
  return e;
}

template <class T>
CATENA_INLINE T* data_of(const TensorView& v) {
  return static_cast<T*>(v.data);
}

template <class T, class Features>
CATENA_INLINE void lengths_of(const Features& f, const T* v, double* length) {
  f.sum(
      [&](std::int64_t at, std::int64_t lanes) {
        const Batch<T> a = load(v + at, lanes);
        return a * a;
      },
      length);
  for (std::int64_t c = 0; c < f.width; ++c) length[c] = __builtin_sqrt(length[c]);
}

void forward(const void*, const KernelContext& c) {
  const Extent e = extent_of_lengths(c.inputs[0], c.inputs[1]);
  visit_float(c.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *v = data_of<T>(c.inputs[0]), *g = data_of<T>(c.inputs[1]);
    T* w = data_of<T>(c.outputs[0]);
    for_features<T>(e, [&](const auto& f) {
      constexpr std::int64_t width = std::remove_cvref_t<decltype(f)>::kWidth;
      double length[width];
      T factor[width];
      lengths_of(f, v, length);
      for (std::int64_t k = 0; k < f.width; ++k)
        factor[k] = static_cast<T>(static_cast<double>(g[f.feature + k]) / length[k]);
      const Batch<T> by = f.spread(factor);
      f.visit([&](std::int64_t at, std::int64_t lanes) {
        store(w + at, load(v + at, lanes) * by, lanes);
      });
    });
  });
}

// Inputs: the gradient of w, then v and g.
void backward(const void*, const KernelContext& c) {
  const Extent e = extent_of_lengths(c.inputs[1], c.inputs[2]);
  visit_float(c.inputs[1].dtype, [&](auto zero) {
    using T = decltype(zero);
    const T *dw = data_of<T>(c.inputs[0]), *v = data_of<T>(c.inputs[1]),
            *g = data_of<T>(c.inputs[2]);
    T *dv = data_of<T>(c.outputs[0]), *dg = data_of<T>(c.outputs[1]);
    for_features<T>(e, [&](const auto& f) {
      constexpr std::int64_t width = std::remove_cvref_t<decltype(f)>::kWidth;
      double length[width], dot[width];
      lengths_of(f, v, length);
      f.sum([&](std::int64_t at,
                std::int64_t lanes) { return load(dw + at, lanes) * load(v + at, lanes); },
            dot);
      T factor[width], slope[width];
      for (std::int64_t k = 0; k < f.width; ++k) {
        if (dg) dg[f.feature + k] = static_cast<T>(dot[k] / length[k]);
        factor[k] = static_cast<T>(static_cast<double>(g[f.feature + k]) / length[k]);
        slope[k] = static_cast<T>(dot[k] / (length[k] * length[k]));
      }
      if (!dv) return;
      const Batch<T> by = f.spread(factor), down = f.spread(slope);
      f.visit([&](std::int64_t at, std::int64_t lanes) {
        store(dv + at, (load(dw + at, lanes) - load(v + at, lanes) * down) * by, lanes);
      });
    });
  });
}

}  // namespace

KernelRow row_WeightNorm() {
  return {.forward = forward, .backward = backward, .dtypes = kFloatTypes};
}

}  // namespace catena::cpu::CATENA_ISA
