// CPU kernels of pooling: a plane at a time; of a line of the result, all windows take their entry
// number t together, so that the loops run along lines.
#include "catena/ops/pooling.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/row_math.hpp"
#include "catena/backends/cpu/scratch.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// The windows along one spatial dimension.
struct Axis {
  std::int64_t in = 1, out = 1, kernel = 1, stride = 1, before = 0, after = 0, dilation = 1;
  bool adaptive = false;

  CATENA_INLINE std::int64_t start(std::int64_t o) const { return o * stride - before; }
  // The first entry of window o and the end behind its last, within x.
  CATENA_INLINE std::int64_t begin(std::int64_t o) const {
    if (adaptive) return o * in / out;
    const std::int64_t s = start(o);
    return s >= 0 ? s : s + (-s + dilation - 1) / dilation * dilation;
  }
  CATENA_INLINE std::int64_t end(std::int64_t o) const {
    if (adaptive) return ((o + 1) * in + out - 1) / out;
    return min_of(start(o) + (kernel - 1) * dilation + 1, in);
  }
  // Entries that the mean counts.
  CATENA_INLINE std::int64_t count(std::int64_t o, bool include_pad) const {
    if (adaptive || !include_pad) return end(o) - begin(o);
    return min_of(start(o) + kernel, in + after) - start(o);
  }
};

// The last three dimensions; fewer are led by sizes of 1.
struct Axes {
  Axis axis[3];
  std::int64_t planes = 0, in = 1, out = 1;
};
Axes axes_of(const TensorView& x, const TensorView& y) {
  Axes a;
  const int spatial = x.shape.rank() - 2;
  for (int i = 0; i < spatial; ++i) {
    Axis& axis = a.axis[3 - spatial + i];
    axis.in = x.shape.data()[2 + i];
    axis.out = y.shape.data()[2 + i];
    a.in *= axis.in;
    a.out *= axis.out;
  }
  a.planes = x.shape.data()[0] * x.shape.data()[1];
  return a;
}
template <class Op>
Axes windows_of(const Op& op, const TensorView& x, const TensorView& y) {
  Axes a = axes_of(x, y);
  const int spatial = x.shape.rank() - 2;
  for (int i = 0; i < spatial; ++i) {
    Axis& axis = a.axis[3 - spatial + i];
    axis.kernel = op.kernel.data()[i];
    axis.stride = op.stride.data()[i];
    axis.before = op.padding_before.data()[i];
    axis.after = op.padding_after.data()[i];
    if constexpr (requires { op.dilation; }) axis.dilation = op.dilation.data()[i];
  }
  return a;
}
Axes adaptive_windows(const TensorView& x, const TensorView& y) {
  Axes a = axes_of(x, y);
  for (Axis& axis : a.axis) axis.adaptive = true;
  return a;
}

// f(first window, end of windows, entry of the first, distance of their entries) for all entries of
// the windows of a line, those of each window in their order.
template <class F>
CATENA_INLINE void for_entries(const Axis& a, const F& f) {
  if (a.adaptive) {
    for (std::int64_t o = 0; o < a.out; ++o)
      for (std::int64_t i = a.begin(o); i < a.end(o); ++i) f(o, o + 1, i, std::int64_t{1});
    return;
  }
  for (std::int64_t t = 0; t < a.kernel; ++t) {
    const std::int64_t shift = t * a.dilation - a.before;
    const std::int64_t first = shift >= 0 ? 0 : (-shift + a.stride - 1) / a.stride;
    const std::int64_t last = a.in - 1 - shift;
    const std::int64_t end = last < 0 ? 0 : min_of(a.out, last / a.stride + 1);
    if (first < end) f(first, end, first * a.stride + shift, a.stride);
  }
}

// f(line of the result, its number, number of a line of x) for each pair of lines that meet, after
// begin(number, first line of x) and before end(number, o_0, o_1).
template <class Begin, class F, class End>
CATENA_INLINE void for_lines(const Axes& a, const Begin& begin, const F& f, const End& end) {
  const Axis &p = a.axis[0], &q = a.axis[1];
  for (std::int64_t o = 0; o < p.out; ++o)
    for (std::int64_t r = 0; r < q.out; ++r) {
      const std::int64_t line = o * q.out + r;
      begin(line, p.begin(o) * q.in + q.begin(r), o, r);
      for (std::int64_t i = p.begin(o); i < p.end(o); i += p.dilation)
        for (std::int64_t j = q.begin(r); j < q.end(r); j += q.dilation) f(line, i * q.in + j);
      end(line, o, r);
    }
}

template <class F>
CATENA_INLINE void for_planes(const Axes& a, const F& f) {
  std::int64_t window = 1;
  for (const Axis& axis : a.axis) window *= axis.adaptive ? axis.in / axis.out + 1 : axis.kernel;
  const std::int64_t work = a.in + a.out * window;
  parallel(a.planes, max_of<std::int64_t>(1, kRowGrain / work),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t plane = begin; plane < end; ++plane) f(plane);
           });
}

template <class T>
CATENA_INLINE void max_of_planes(const Axes& a, const KernelContext& c) {
  const T* x = static_cast<const T*>(c.inputs[0].data);
  T* y = static_cast<T*>(c.outputs[0].data);
  std::int64_t* indices = static_cast<std::int64_t*>(c.outputs[1].data);
  const Axis& w = a.axis[2];
  for_planes(a, [&](std::int64_t plane) {
    const T* from = x + plane * a.in;
    for_lines(
        a,
        [&](std::int64_t line, std::int64_t first, std::int64_t, std::int64_t) {
          T* best = y + plane * a.out + line * w.out;
          std::int64_t* where = indices + plane * a.out + line * w.out;
          for (std::int64_t o = 0; o < w.out; ++o) {
            best[o] = kMinusInfinity<T>;
            where[o] = first * w.in + w.begin(o);
          }
        },
        [&](std::int64_t line, std::int64_t row) {
          T* best = y + plane * a.out + line * w.out;
          std::int64_t* where = indices + plane * a.out + line * w.out;
          for_entries(w, [&](std::int64_t o, std::int64_t end, std::int64_t i, std::int64_t step) {
            const std::int64_t start = row * w.in + i;
            for (std::int64_t k = 0; k < end - o; ++k) {
              const T v = from[start + k * step];
              const bool taken = v > best[o + k] || v != v;
              best[o + k] = taken ? v : best[o + k];
              where[o + k] = taken ? start + k * step : where[o + k];
            }
          });
        },
        [](std::int64_t, std::int64_t, std::int64_t) {});
  });
}

// Largest entries of parts of windows and where in their plane they lie, numbers of the same dtype,
// so that one mask chooses both.
template <class T>
struct Largest {
  T* value;
  T* where;
  CATENA_INLINE Largest from(std::int64_t o) const { return {value + o, where + o}; }
};

// Entries 0, stride, 2 * stride, .. of n, then 1, stride + 1, ..; every part has `part` places.
template <class T>
CATENA_INLINE void deal_out(const T* __restrict x, std::int64_t n, std::int64_t stride,
                            std::int64_t part, T* __restrict y) {
  const std::int64_t whole = n / stride;
  if (stride == 2) {
    for (std::int64_t i = 0; i < whole; ++i) {
      y[i] = x[2 * i];
      y[part + i] = x[2 * i + 1];
    }
  } else {
    for (std::int64_t s = 0; s < stride; ++s)
      for (std::int64_t i = 0; i < whole; ++i) y[s * part + i] = x[i * stride + s];
  }
  for (std::int64_t i = whole * stride; i < n; ++i) y[i % stride * part + whole] = x[i];
}

// Along a line of n entries, the first of which lies at `first`: the largest of each window; the
// first of equal ones, the last NaN.
template <class T>
CATENA_INLINE void largest_in_line(const Axis& w, const T* x, std::int64_t n, std::int64_t first,
                                   std::int64_t windows, const Largest<T>& y, T* parts) {
  // Entries of windows side by side lie side by side then.
  const std::int64_t part = n / w.stride + 1;
  if (w.stride > 1) deal_out(x, n, w.stride, part, parts);
  alignas(64) T lane[Batch<T>::size];
  for (std::size_t i = 0; i < Batch<T>::size; ++i) lane[i] = static_cast<T>(first + i * w.stride);
  const Batch<T> lanes_at = Batch<T>::load_aligned(lane);
  for_batches<T>(windows, [&](std::int64_t o, std::int64_t lanes) {
    const auto entries = [&](std::int64_t shift) {
      return load(
          (w.stride > 1 ? parts + shift % w.stride * part + shift / w.stride : x + shift) + o,
          lanes);
    };
    const Batch<T> at = lanes_at + Batch<T>(static_cast<T>(o * w.stride));
    Batch<T> value = entries(0), where = at;
    for (std::int64_t k = 1; k < w.kernel; ++k) {
      const Batch<T> v = entries(k * w.dilation);
      const auto taken = (v > value) || xsimd::isnan(v);
      value = xsimd::select(taken, v, value);
      where = xsimd::select(taken, at + Batch<T>(static_cast<T>(k * w.dilation)), where);
    }
    store(y.value + o, value, lanes);
    store(y.where + o, where, lanes);
  });
}
template <class T>
CATENA_INLINE void largest_in_lines(const Axis& w, const T* x, std::int64_t lines, Largest<T> y,
                                    T* parts) {
  // Without a rest behind the last window all lines are one.
  if (w.in == w.out * w.stride)
    return largest_in_line(w, x, lines * w.in, 0, lines * w.out, y, parts);
  for (std::int64_t r = 0; r < lines; ++r, y = y.from(w.out))
    largest_in_line(w, x + r * w.in, w.in, r * w.in, w.out, y, parts);
}

// Across lines of n entries, of which x has `outer` times axis.in: the largest of each window.
template <class T>
CATENA_INLINE void largest_of_lines(const Axis& axis, std::int64_t outer, std::int64_t n,
                                    const Largest<T>& x, Largest<T> y) {
  for (std::int64_t i = 0; i < outer; ++i)
    for (std::int64_t o = 0; o < axis.out; ++o, y = y.from(n)) {
      const Largest<T> first = x.from((i * axis.in + o * axis.stride) * n);
      for_batches<T>(n, [&](std::int64_t at, std::int64_t lanes) {
        Batch<T> value = load(first.value + at, lanes), where = load(first.where + at, lanes);
        for (std::int64_t k = 1; k < axis.kernel; ++k) {
          const Largest<T> next = first.from(k * axis.dilation * n + at);
          const Batch<T> v = load(next.value, lanes);
          const auto taken = (v > value) || xsimd::isnan(v);
          value = xsimd::select(taken, v, value);
          where = xsimd::select(taken, load(next.where, lanes), where);
        }
        store(y.value + at, value, lanes);
        store(y.where + at, where, lanes);
      });
    }
}

// Whether all windows lie within x, as most do, and T can number its entries.
template <class T>
bool all_whole(const Axes& a) {
  for (const Axis& w : a.axis)
    if (w.adaptive || w.before > 0 || w.start(w.out - 1) + (w.kernel - 1) * w.dilation >= w.in)
      return false;
  return a.in <= std::int64_t{1} << min_of(std::numeric_limits<T>::digits, 30);
}
// Then one dimension is done after the other, the innermost first.
template <class T>
CATENA_INLINE void max_of_whole_windows(const Axes& a, const KernelContext& c) {
  const Axis &p = a.axis[0], &q = a.axis[1], &w = a.axis[2];
  const bool has_p = p.in > 1, has_q = has_p || q.in > 1;
  const std::int64_t line_entries = p.in * q.in * w.out, plane_entries = p.in * q.out * w.out;
  for_planes(a, [&](std::int64_t plane) {
    const T* x = static_cast<const T*>(c.inputs[0].data) + plane * a.in;
    std::int64_t* indices = static_cast<std::int64_t*>(c.outputs[1].data) + plane * a.out;
    Scratch<T> scratch(2 * (line_entries + plane_entries) + a.out + a.in + w.stride);
    T* next = scratch.data();
    const auto take = [&](std::int64_t n) {
      next += n;
      return next - n;
    };
    const Largest<T> of_lines{take(line_entries), take(line_entries)},
        of_planes{take(plane_entries), take(plane_entries)},
        y{static_cast<T*>(c.outputs[0].data) + plane * a.out, take(a.out)};
    largest_in_lines(w, x, p.in * q.in, has_q ? of_lines : y, next);
    if (has_q) largest_of_lines(q, p.in, w.out, of_lines, has_p ? of_planes : y);
    if (has_p) largest_of_lines(p, 1, q.out * w.out, of_planes, y);
    for (std::int64_t o = 0; o < a.out; ++o) indices[o] = static_cast<std::int32_t>(y.where[o]);
  });
}

// The gradient of the entries goes to where they were.
void max_backward(const void*, const KernelContext& c) {
  const TensorView &g = c.inputs[0], &taken = c.inputs[4], &dx = c.outputs[0];
  if (dx.numel == 0) return;
  const Axes a = axes_of(dx, g);
  const std::int64_t* indices = static_cast<const std::int64_t*>(taken.data);
  visit_float(dx.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(g.data);
    T* to = static_cast<T*>(dx.data);
    for_planes(a, [&](std::int64_t plane) {
      std::memset(to + plane * a.in, 0, static_cast<std::size_t>(a.in) * sizeof(T));
      for (std::int64_t o = plane * a.out; o < (plane + 1) * a.out; ++o)
        to[plane * a.in + indices[o]] += from[o];
    });
  });
}

// How many entries the mean of a window counts, by the place of the window.
struct Counts {
  bool include_pad;
  std::int64_t divisor;
  CATENA_INLINE double of_line(const Axes& a, std::int64_t o, std::int64_t r) const {
    if (divisor) return static_cast<double>(divisor);
    return static_cast<double>(a.axis[0].count(o, include_pad) * a.axis[1].count(r, include_pad));
  }
  CATENA_INLINE std::int64_t in_line(const Axis& w, std::int64_t o) const {
    return divisor ? 1 : w.count(o, include_pad);
  }
};

template <class T>
CATENA_INLINE void mean_of_planes(const Axes& a, const Counts& counts, const TensorView& in,
                                  const TensorView& out) {
  const T* x = static_cast<const T*>(in.data);
  T* y = static_cast<T*>(out.data);
  const Axis& w = a.axis[2];
  for_planes(a, [&](std::int64_t plane) {
    for_lines(
        a,
        [&](std::int64_t line, std::int64_t, std::int64_t, std::int64_t) {
          std::memset(y + plane * a.out + line * w.out, 0,
                      static_cast<std::size_t>(w.out) * sizeof(T));
        },
        [&](std::int64_t line, std::int64_t row) {
          T* sum = y + plane * a.out + line * w.out;
          const T* from = x + plane * a.in + row * w.in;
          for_entries(w, [&](std::int64_t o, std::int64_t end, std::int64_t i, std::int64_t step) {
            for (std::int64_t k = 0; k < end - o; ++k) sum[o + k] += from[i + k * step];
          });
        },
        [&](std::int64_t line, std::int64_t o, std::int64_t r) {
          T* sum = y + plane * a.out + line * w.out;
          const T count = static_cast<T>(counts.of_line(a, o, r));
          for (std::int64_t k = 0; k < w.out; ++k)
            sum[k] /= count * static_cast<T>(counts.in_line(w, k));
        });
  });
}

// The adjoint: x from y.
template <class T>
CATENA_INLINE void spread_over_planes(const Axes& a, const Counts& counts, const TensorView& in,
                                      const TensorView& out) {
  const T* y = static_cast<const T*>(in.data);
  T* x = static_cast<T*>(out.data);
  const Axis& w = a.axis[2];
  for_planes(a, [&](std::int64_t plane) {
    Scratch<T> share(w.out);
    std::memset(x + plane * a.in, 0, static_cast<std::size_t>(a.in) * sizeof(T));
    for_lines(
        a,
        [&](std::int64_t line, std::int64_t, std::int64_t o, std::int64_t r) {
          const T* g = y + plane * a.out + line * w.out;
          const T count = static_cast<T>(counts.of_line(a, o, r));
          for (std::int64_t k = 0; k < w.out; ++k)
            share[k] = g[k] / (count * static_cast<T>(counts.in_line(w, k)));
        },
        [&](std::int64_t, std::int64_t row) {
          T* to = x + plane * a.in + row * w.in;
          const T* from = share.data();
          for_entries(w, [&](std::int64_t o, std::int64_t end, std::int64_t i, std::int64_t step) {
            for (std::int64_t k = 0; k < end - o; ++k) to[i + k * step] += from[o + k];
          });
        },
        [](std::int64_t, std::int64_t, std::int64_t) {});
  });
}

void max_pool(const void* op, const KernelContext& c) {
  if (c.outputs[0].numel == 0) return;
  const Axes a = windows_of(*static_cast<const op::MaxPool*>(op), c.inputs[0], c.outputs[0]);
  visit_float(c.inputs[0].dtype, [&](auto zero) {
    using T = decltype(zero);
    if (all_whole<T>(a))
      max_of_whole_windows<T>(a, c);
    else
      max_of_planes<T>(a, c);
  });
}
void adaptive_max_pool(const void*, const KernelContext& c) {
  if (c.outputs[0].numel == 0) return;
  const Axes a = adaptive_windows(c.inputs[0], c.outputs[0]);
  visit_float(c.inputs[0].dtype, [&](auto zero) { max_of_planes<decltype(zero)>(a, c); });
}

void mean(const Axes& a, const Counts& counts, const KernelContext& c) {
  visit_float(c.inputs[0].dtype, [&](auto zero) {
    mean_of_planes<decltype(zero)>(a, counts, c.inputs[0], c.outputs[0]);
  });
}
void spread(const Axes& a, const Counts& counts, const KernelContext& c) {
  visit_float(c.inputs[0].dtype, [&](auto zero) {
    spread_over_planes<decltype(zero)>(a, counts, c.inputs[0], c.outputs[0]);
  });
}
void avg_pool(const void* op, const KernelContext& c) {
  if (c.outputs[0].numel == 0) return;
  const auto& pool = *static_cast<const op::AvgPool*>(op);
  mean(windows_of(pool, c.inputs[0], c.outputs[0]), {pool.count_include_pad, pool.divisor}, c);
}
void avg_pool_adjoint(const void* op, const KernelContext& c) {
  if (c.outputs[0].numel == 0) return;
  const auto& pool = *static_cast<const op::AvgPoolAdjoint*>(op);
  spread(windows_of(pool, c.outputs[0], c.inputs[0]), {pool.count_include_pad, pool.divisor}, c);
}
void adaptive_avg_pool(const void*, const KernelContext& c) {
  if (c.outputs[0].numel == 0) return;
  mean(adaptive_windows(c.inputs[0], c.outputs[0]), {false, 0}, c);
}
void adaptive_avg_pool_adjoint(const void*, const KernelContext& c) {
  if (c.outputs[0].numel == 0) return;
  spread(adaptive_windows(c.outputs[0], c.inputs[0]), {false, 0}, c);
}

}  // namespace

KernelRow row_MaxPool() {
  return {.forward = max_pool, .backward = max_backward, .dtypes = kFloatTypes};
}
KernelRow row_AdaptiveMaxPool() {
  return {.forward = adaptive_max_pool, .backward = max_backward, .dtypes = kFloatTypes};
}
KernelRow row_AvgPool() { return {.forward = avg_pool, .dtypes = kFloatTypes}; }
KernelRow row_AvgPoolAdjoint() { return {.forward = avg_pool_adjoint, .dtypes = kFloatTypes}; }
KernelRow row_AdaptiveAvgPool() { return {.forward = adaptive_avg_pool, .dtypes = kFloatTypes}; }
KernelRow row_AdaptiveAvgPoolAdjoint() {
  return {.forward = adaptive_avg_pool_adjoint, .dtypes = kFloatTypes};
}

}  // namespace catena::cpu::CATENA_ISA
