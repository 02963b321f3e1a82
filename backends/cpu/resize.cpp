// CPU kernels of resize and its adjoint: one plane (the resized dimensions of an image) after the
// other, which goes from dimension to dimension in cache.
#include "catena/ops/resize.hpp"

#include "catena/backends/cpu/row_math.hpp"
#include "catena/backends/cpu/scratch.hpp"
#include "catena/ops/resize_weights.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kGrain = 1 << 14;  // entries of a range

// The resized dimensions of x and y, behind `planes` of them.
struct Planes {
  int dims;
  std::int64_t planes = 1, from = 1, to = 1;  // entries of a plane
  std::int64_t in[kMaxRank], out[kMaxRank];

  Planes(int resized, const TensorView& x, const TensorView& y) : dims(resized) {
    const int front = x.shape.rank() - dims;
    for (int d = 0; d < front; ++d) planes *= x.shape.data()[d];
    for (int d = 0; d < dims; ++d) {
      in[d] = x.shape.data()[front + d];
      out[d] = y.shape.data()[front + d];
      from *= in[d];
      to *= out[d];
    }
  }
  // Entries of the largest plane between the first and the last.
  CATENA_INLINE std::int64_t largest() const {
    std::int64_t most = 1, now = from;
    for (int d = 0; d + 1 < dims; ++d) {
      now = now / in[d] * out[d];
      most = max_of(most, now);
    }
    return most;
  }
  CATENA_INLINE std::int64_t grain() const {
    return max_of<std::int64_t>(1, kGrain / max_of(from, to));
  }
};

// The weights of one dimension in the dtype of the computation. Where each entry has as many, those
// of tap t and their indices are a row of their own, t entries of the result on.
template <class T>
struct Dimension {
  const detail::ResizeWeights& w;
  Scratch<T> weight;
  Scratch<std::int32_t> index;

  CATENA_INLINE explicit Dimension(const detail::ResizeWeights& weights)
      : w(weights), weight(w.first[w.out]), index(w.first[w.out]) {
    for (std::int64_t i = 0; i < w.out; ++i)
      for (std::int64_t k = w.first[i]; k < w.first[i + 1]; ++k) {
        const std::int64_t at = w.taps > 0 ? (k - w.first[i]) * w.out + i : k;
        weight[at] = static_cast<T>(w.weight[k]);
        index[at] = static_cast<std::int32_t>(w.index[k]);
      }
  }
  // Entries of the weights of result i, and the distance of one from the next.
  CATENA_INLINE std::int64_t count(std::int64_t i) const { return w.first[i + 1] - w.first[i]; }
  CATENA_INLINE std::int64_t begin(std::int64_t i) const { return w.taps > 0 ? i : w.first[i]; }
  CATENA_INLINE std::int64_t step() const { return w.taps > 0 ? w.out : 1; }
};

// y[i, :] = the sum of weight x[index, :], in rows of `inner` entries.
template <class T>
void resize_rows(const Dimension<T>& d, const T* x, T* y, std::int64_t inner) {
  using B = Batch<T>;
  for (std::int64_t i = 0; i < d.w.out; ++i) {
    const std::int64_t begin = d.begin(i), count = d.count(i), step = d.step();
    T* out = y + i * inner;
    for_batches<T>(inner, [&](std::int64_t j, std::int64_t lanes) {
      B sum(T(0));
      for (std::int64_t k = 0; k < count; ++k) {
        const std::int64_t at = begin + k * step;
        sum = sum + B(d.weight[at]) * load(x + d.index[at] * inner + j, lanes);
      }
      store(out + j, sum, lanes);
    });
  }
}

// The same in rows of one entry.
template <int kTaps, class T>
CATENA_INLINE void resize_taps(const Dimension<T>& d, const T* x, T* y) {
  const T* weight = d.weight.data();
  const std::int32_t* index = d.index.data();
  const std::int64_t n = d.w.out;
  for (std::int64_t i = 0; i < n; ++i) {
    T sum = T(0);
    for (int t = 0; t < kTaps; ++t) sum += weight[t * n + i] * x[index[t * n + i]];
    y[i] = sum;
  }
}
template <class T>
void resize_entries(const Dimension<T>& d, const T* x, T* y) {
  if (d.w.taps == 2) return resize_taps<2>(d, x, y);
  if (d.w.taps == 4) return resize_taps<4>(d, x, y);
  for (std::int64_t i = 0; i < d.w.out; ++i) {
    const std::int64_t begin = d.begin(i), count = d.count(i), step = d.step();
    T sum = T(0);
    for (std::int64_t k = 0; k < count; ++k)
      sum += d.weight[begin + k * step] * x[d.index[begin + k * step]];
    y[i] = sum;
  }
}

// Dimension number d of a plane whose dimensions before it are resized already.
template <class T>
CATENA_INLINE void resize_dimension(const Planes& s, int d, const Dimension<T>& by, const T* x,
                                    T* y) {
  std::int64_t outer = 1, inner = 1;
  for (int k = 0; k < d; ++k) outer *= s.out[k];
  for (int k = d + 1; k < s.dims; ++k) inner *= s.in[k];
  for (std::int64_t o = 0; o < outer; ++o) {
    const T* from = x + o * s.in[d] * inner;
    T* to = y + o * s.out[d] * inner;
    if (inner == 1)
      resize_entries(by, from, to);
    else
      resize_rows(by, from, to, inner);
  }
}

// Makes the weights of dimension `next` and of those behind it, then resizes all planes.
template <class T, class Op>
void resize_with(const Op& op, const Planes& s, int next, const Dimension<T>** by, const T* x,
                 T* y) {
  if (next < s.dims) {
    const detail::ResizeWeights weights(op, next, s.in[next], s.out[next]);
    const Dimension<T> dimension(weights);
    by[next] = &dimension;
    return resize_with(op, s, next + 1, by, x, y);
  }
  parallel(s.planes, s.grain(), [&](std::int64_t begin, std::int64_t end) {
    const Scratch<T> even(s.largest()), odd(s.largest());
    for (std::int64_t p = begin; p < end; ++p) {
      const T* from = x + p * s.from;
      for (int d = 0; d < s.dims; ++d) {
        T* to = d + 1 == s.dims ? y + p * s.to : d % 2 == 0 ? even.data() : odd.data();
        resize_dimension(s, d, *by[d], from, to);
        from = to;
      }
    }
  });
}

template <class Op>
void weighted(const Op& op, int dims, const KernelContext& c) {
  const Planes s(dims, c.inputs[0], c.outputs[0]);
  if (s.planes == 0) return;
  visit_float(c.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const Dimension<T>* by[kMaxRank];
    resize_with<T>(op, s, 0, by, static_cast<const T*>(c.inputs[0].data),
                   static_cast<T*>(c.outputs[0].data));
  });
}

// Entries as they are, line by line. Lines that come from the same one are copied.
template <class T>
void nearest_planes(const Planes& s, const detail::ResizeWeights* const* by, const T* x, T* y) {
  const int last = s.dims - 1;
  const std::int64_t width = s.out[last], lines = s.to / width;
  const std::int64_t* index = by[last]->index;
  parallel(s.planes, s.grain(), [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t p = begin; p < end; ++p) {
      std::int64_t before = -1;
      for (std::int64_t r = 0; r < lines; ++r) {
        std::int64_t line = 0, stride = 1, rest = r;
        for (int d = last - 1; d >= 0; --d) {
          line += by[d]->index[rest % s.out[d]] * stride;
          stride *= s.in[d];
          rest /= s.out[d];
        }
        T* to = y + p * s.to + r * width;
        if (line == before) {
          std::memcpy(to, to - width, static_cast<std::size_t>(width) * sizeof(T));
          continue;
        }
        const T* from = x + p * s.from + line * s.in[last];
        for (std::int64_t i = 0; i < width; ++i) to[i] = from[index[i]];
        before = line;
      }
    }
  });
}
template <class T>
void nearest_with(const op::Resize& op, const Planes& s, int next, const detail::ResizeWeights** by,
                  const T* x, T* y) {
  if (next == s.dims) return nearest_planes(s, by, x, y);
  const detail::ResizeWeights weights(op, next, s.in[next], s.out[next]);
  by[next] = &weights;
  nearest_with(op, s, next + 1, by, x, y);
}

void resize(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::Resize*>(attrs);
  if (!detail::is_nearest(op)) return weighted(op, op.size.rank(), c);
  const Planes s(op.size.rank(), c.inputs[0], c.outputs[0]);
  visit_compute(c.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    const detail::ResizeWeights* by[kMaxRank];
    nearest_with<T>(op, s, 0, by, static_cast<const T*>(c.inputs[0].data),
                    static_cast<T*>(c.outputs[0].data));
  });
}

void resize_adjoint(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::ResizeAdjoint*>(attrs);
  weighted(op, op.input_size.rank(), c);
}

}  // namespace

KernelRow row_Resize() { return {.forward = resize, .dtypes = kComputeTypes}; }
KernelRow row_ResizeAdjoint() { return {.forward = resize_adjoint, .dtypes = kFloatTypes}; }

}  // namespace catena::cpu::CATENA_ISA
