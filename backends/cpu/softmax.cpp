// CPU kernels of softmax and log_softmax. Rows along the last dimension are worked on one at a time
// while they are in cache; along another dimension, one batch of neighbouring columns at a time.
#include "catena/ops/softmax.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/row_math.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// x seen as [outer, n, inner] with n the dimension normalised.
struct Extent {
  std::int64_t outer = 1, n = 1, inner = 1;
};

Extent extent_of(const TensorView& v, std::int64_t dim) {
  const int rank = v.shape.rank();
  if (dim < 0) dim += rank;
  Extent e;
  e.n = v.shape.data()[dim];
  for (int d = 0; d < rank; ++d) {
    if (d < dim) e.outer *= v.shape.data()[d];
    if (d > dim) e.inner *= v.shape.data()[d];
  }
  return e;
}

CATENA_INLINE std::int64_t row_grain(const Extent& e) {
  return max_of<std::int64_t>(1, kRowGrain / e.n);
}

// Calls column(start, count) for each batch of columns; start is the position of the first element.
template <class T, class Column>
CATENA_INLINE void for_columns(const Extent& e, const Column& column) {
  constexpr std::int64_t w = Batch<T>::size;
  const std::int64_t blocks = (e.inner + w - 1) / w;
  parallel(e.outer * blocks, max_of<std::int64_t>(1, kRowGrain / (e.n * w)),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t u = begin; u < end; ++u) {
               const std::int64_t first = u % blocks * w;
               column(u / blocks * e.n * e.inner + first, min_of(w, e.inner - first));
             }
           });
}

// Calls row(x, y) for each row when the dimension is the last, else column(x, y, count) for each
// batch of columns; x may be y.
template <class T, class Row, class Column>
CATENA_INLINE void for_inputs(const TensorView& in, const Extent& e, T* all_y, const Row& row,
                              const Column& column) {
  if (e.inner == 1) {
    const auto row_of_y = [&](std::int64_t o) { return all_y + o * e.n; };
    parallel(e.outer, row_grain(e), [&](std::int64_t begin, std::int64_t end) {
      for_input_rows<T>(in, e.n, begin, end, row_of_y,
                        [&](std::int64_t o, const T* x) { row(x, row_of_y(o)); });
    });
    return;
  }
  const T* all_x = static_cast<const T*>(in.data);
  if (in.program) {
    parallel(in.numel, kRowGrain, [&](std::int64_t begin, std::int64_t end) {
      compute_range(*in.program, begin, end - begin, all_y + begin);
    });
    all_x = all_y;
  }
  for_columns<T>(e, [&](std::int64_t start, std::int64_t count) {
    column(all_x + start, all_y + start, count);
  });
}

// The sum over k < n of term(k), in runs so that many terms lose no digits.
template <class T, class Term>
CATENA_INLINE Batch<T> sum_down(std::int64_t n, const Term& term) {
  Batch<T> total(T(0));
  for (std::int64_t begin = 0; begin < n; begin += 64) {
    const std::int64_t end = min_of(n, begin + 64);
    Batch<T> run(T(0));
    for (std::int64_t k = begin; k < end; ++k) run = run + term(k);
    total = total + run;
  }
  return total;
}

template <class T>
CATENA_INLINE Batch<T> max_down(const T* x, std::int64_t n, std::int64_t step, std::int64_t count) {
  Batch<T> m(kMinusInfinity<T>);
  for (std::int64_t k = 0; k < n; ++k) m = xsimd::max(m, load(x + k * step, count));
  return m;
}

void softmax_forward(const void* op, const KernelContext& context) {
  const TensorView &in = context.inputs[0], &out = context.outputs[0];
  if (out.numel == 0) return;
  const Extent e = extent_of(in, static_cast<const op::Softmax*>(op)->dim);
  visit_float(in.dtype, [&](auto zero) {
    using T = decltype(zero);
    using B = Batch<T>;
    for_inputs<T>(
        in, e, static_cast<T*>(out.data),
        [&](const T* x, T* y) {
          const B m(row_max(x, e.n));
          const double total = sum_terms<T>(e.n, [&](std::int64_t i, std::int64_t count) {
            const B v = xsimd::exp(load(x + i, count, kMinusInfinity<T>) - m);
            store(y + i, v, count);
            return v;
          });
          const B factor(static_cast<T>(1.0 / total));
          for_batches<T>(e.n, [&](std::int64_t i, std::int64_t count) {
            store(y + i, load(y + i, count) * factor, count);
          });
        },
        [&](const T* x, T* y, std::int64_t count) {
          const B m = max_down(x, e.n, e.inner, count);
          const B total = sum_down<T>(e.n, [&](std::int64_t k) {
            const B v = xsimd::exp(load(x + k * e.inner, count) - m);
            store(y + k * e.inner, v, count);
            return v;
          });
          const B factor = B(T(1)) / total;
          for (std::int64_t k = 0; k < e.n; ++k)
            store(y + k * e.inner, load(y + k * e.inner, count) * factor, count);
        });
  });
}

void log_softmax_forward(const void* op, const KernelContext& context) {
  const TensorView &in = context.inputs[0], &out = context.outputs[0];
  if (out.numel == 0) return;
  const Extent e = extent_of(in, static_cast<const op::LogSoftmax*>(op)->dim);
  visit_float(in.dtype, [&](auto zero) {
    using T = decltype(zero);
    using B = Batch<T>;
    for_inputs<T>(
        in, e, static_cast<T*>(out.data),
        [&](const T* x, T* y) {
          const T shift = row_max(x, e.n);
          const B m(shift);
          const B log_total(static_cast<T>(__builtin_log(row_exp_sum(x, e.n, shift))));
          for_batches<T>(e.n, [&](std::int64_t i, std::int64_t count) {
            store(y + i, (load(x + i, count) - m) - log_total, count);
          });
        },
        [&](const T* x, T* y, std::int64_t count) {
          const B m = max_down(x, e.n, e.inner, count);
          const B log_total = xsimd::log(sum_down<T>(
              e.n, [&](std::int64_t k) { return xsimd::exp(load(x + k * e.inner, count) - m); }));
          for (std::int64_t k = 0; k < e.n; ++k)
            store(y + k * e.inner, (load(x + k * e.inner, count) - m) - log_total, count);
        });
  });
}

// Both gradients take one sum along the dimension: dx = result(g, y, sum of term(g, y)).
struct SoftmaxGrad {  // dx = y (g - sum(g y))
  template <class B>
  CATENA_INLINE static B term(const B& g, const B& y) {
    return g * y;
  }
  template <class B>
  CATENA_INLINE static B result(const B& g, const B& y, const B& sum) {
    return y * (g - sum);
  }
};
struct LogSoftmaxGrad {  // dx = g - e^y sum(g)
  template <class B>
  CATENA_INLINE static B term(const B& g, const B&) {
    return g;
  }
  template <class B>
  CATENA_INLINE static B result(const B& g, const B& y, const B& sum) {
    return g - xsimd::exp(y) * sum;
  }
};

template <class Op, class Grad>
void backward(const void* op, const KernelContext& context) {
  const TensorView &grad = context.inputs[0], &saved = context.inputs[2], &out = context.outputs[0];
  if (out.numel == 0) return;
  const Extent e = extent_of(saved, static_cast<const Op*>(op)->dim);
  visit_float(saved.dtype, [&](auto zero) {
    using T = decltype(zero);
    using B = Batch<T>;
    const T *all_g = static_cast<const T*>(grad.data), *all_y = static_cast<const T*>(saved.data);
    T* all_dx = static_cast<T*>(out.data);
    if (e.inner == 1) {
      parallel(e.outer, row_grain(e), [&](std::int64_t begin, std::int64_t end) {
        for (std::int64_t o = begin; o < end; ++o) {
          const T *g = all_g + o * e.n, *y = all_y + o * e.n;
          T* dx = all_dx + o * e.n;
          const B sum(static_cast<T>(sum_terms<T>(e.n, [&](std::int64_t i, std::int64_t count) {
            return Grad::term(load(g + i, count), load(y + i, count));
          })));
          for_batches<T>(e.n, [&](std::int64_t i, std::int64_t count) {
            store(dx + i, Grad::result(load(g + i, count), load(y + i, count), sum), count);
          });
        }
      });
      return;
    }
    for_columns<T>(e, [&](std::int64_t start, std::int64_t count) {
      const T *g = all_g + start, *y = all_y + start;
      T* dx = all_dx + start;
      const B sum = sum_down<T>(e.n, [&](std::int64_t k) {
        return Grad::term(load(g + k * e.inner, count), load(y + k * e.inner, count));
      });
      for (std::int64_t k = 0; k < e.n; ++k) {
        const std::int64_t at = k * e.inner;
        store(dx + at, Grad::result(load(g + at, count), load(y + at, count), sum), count);
      }
    });
  });
}

}  // namespace

KernelRow row_Softmax() {
  return {.forward = softmax_forward,
          .backward = backward<op::Softmax, SoftmaxGrad>,
          .dtypes = kFloatTypes,
          .reads_programs = true};
}

KernelRow row_LogSoftmax() {
  return {.forward = log_softmax_forward,
          .backward = backward<op::LogSoftmax, LogSoftmaxGrad>,
          .dtypes = kFloatTypes,
          .reads_programs = true};
}

}  // namespace catena::cpu::CATENA_ISA
