// CPU kernels of the reductions whose result follows from one value per block: sums, products,
// extremes and where they are, any and all.
#include "catena/ops/reduction.hpp"

#include "catena/backends/cpu/reduce.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

void sum_forward(const void* op, const KernelContext& context) {
  const Shape& dims = static_cast<const op::Sum*>(op)->dims;
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  visit_compute(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (kIsReal<T>) {
      reduce<SumReal<T>>(x, dims, static_cast<T*>(y.data), y.numel,
                         [](double v) { return static_cast<T>(v); });
    } else {
      reduce<SumInteger<T>>(x, dims, static_cast<std::int64_t*>(y.data), y.numel,
                            [](std::uint64_t v) { return static_cast<std::int64_t>(v); });
    }
  });
}

void mean_forward(const void* op, const KernelContext& context) {
  const Shape& dims = static_cast<const op::Mean*>(op)->dims;
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  if (y.numel == 0) return;
  const double n = static_cast<double>(x.numel / y.numel);
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    reduce<SumReal<T>>(x, dims, static_cast<T*>(y.data), y.numel,
                       [n](double v) { return static_cast<T>(v / n); });
  });
}

void prod_forward(const void* op, const KernelContext& context) {
  const Shape& dims = static_cast<const op::Prod*>(op)->dims;
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  visit_compute(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using Out = std::conditional_t<kIsReal<T>, T, std::int64_t>;
    reduce<ProductOf<T>>(x, dims, static_cast<Out*>(y.data), y.numel,
                         [](auto v) { return static_cast<Out>(v); });
  });
}

template <class Op, bool kLargest>
void extreme_forward(const void* op, const KernelContext& context) {
  const Shape& dims = static_cast<const Op*>(op)->dims;
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  visit_compute(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    reduce<ExtremeOf<T, kLargest>>(x, dims, static_cast<T*>(y.data), y.numel,
                                   [](T v) { return v; });
  });
}

template <class Op, bool kAll>
void truth_forward(const void* op, const KernelContext& context) {
  const Shape& dims = static_cast<const Op*>(op)->dims;
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  visit_compute(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    reduce<TruthOf<T, kAll>>(x, dims, static_cast<bool*>(y.data), y.numel,
                             [](std::uint8_t v) { return v != 0; });
  });
}

// Where the first largest or smallest entry of a line is.
template <bool kLargest, class T>
std::int64_t find_in_line(const Reader<T>& x, std::int64_t start, std::int64_t n) {
  alignas(64) T buffer[kChunk];
  if (n < 32) {
    const T* p = x.at(start, n, buffer);
    std::int64_t first = 0;
    for (std::int64_t i = 1; i < n; ++i)
      if (beats<kLargest>(p[i], p[first])) first = i;
    return first;
  }
  T best = T(0);
  std::int64_t chunk = 0;
  for (std::int64_t i = 0; i < n; i += kChunk) {
    const std::int64_t m = min_of(kChunk, n - i);
    const T here = ExtremeOf<T, kLargest>::line(x.at(start + i, m, buffer), m);
    if (i > 0 && !beats<kLargest>(here, best)) continue;
    best = here;
    chunk = i;
  }
  const T* p = x.at(start + chunk, min_of(kChunk, n - chunk), buffer);
  std::int64_t i = 0;
  while (p[i] != best && !(best != best && p[i] != p[i])) ++i;
  return chunk + i;
}

// out[c] = the row of the first extreme of x[start + row * step + c], c < width <= 256.
template <bool kLargest, class T>
void find_in_columns(const Reader<T>& x, std::int64_t start, std::int64_t rows, std::int64_t step,
                     std::int64_t width, std::int64_t* out) {
  alignas(64) T best[256], buffer[256];
  const T* first = x.at(start, width, buffer);
  for (std::int64_t c = 0; c < width; ++c) {
    best[c] = first[c];
    out[c] = 0;
  }
  for (std::int64_t row = 1; row < rows; ++row) {
    const T* p = x.at(start + row * step, width, buffer);
    for (std::int64_t c = 0; c < width; ++c) {
      const bool better = beats<kLargest>(p[c], best[c]);
      best[c] = better ? p[c] : best[c];
      out[c] = better ? row : out[c];
    }
  }
}

template <class Op, bool kLargest>
void find_forward(const void* op, const KernelContext& context) {
  const TensorView &view = context.inputs[0], &y = context.outputs[0];
  if (y.numel == 0) return;
  const int rank = view.shape.rank();
  std::int64_t dim = static_cast<const Op*>(op)->dim;
  if (dim < 0) dim += rank;
  std::int64_t inner = 1;
  for (int d = rank - 1; d > dim; --d) inner *= view.shape.data()[d];
  const std::int64_t n = view.shape.data()[dim];
  std::int64_t* out = static_cast<std::int64_t*>(y.data);
  visit_compute(view.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Reader<T> x{view};
    if (inner == 1) {
      parallel(y.numel, max_of<std::int64_t>(1, kGrain / n),
               [&](std::int64_t begin, std::int64_t end) {
                 for (std::int64_t o = begin; o < end; ++o)
                   out[o] = find_in_line<kLargest>(x, o * n, n);
               });
      return;
    }
    const std::int64_t blocks = ceil_div(inner, 256);
    parallel(y.numel / inner * blocks,
             max_of<std::int64_t>(1, kGrain / (n * min_of<std::int64_t>(inner, 256))),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t u = begin; u < end; ++u) {
                 const std::int64_t outer = u / blocks, column = u % blocks * 256;
                 find_in_columns<kLargest>(x, outer * n * inner + column, n, inner,
                                           min_of<std::int64_t>(256, inner - column),
                                           out + outer * inner + column);
               }
             });
  });
}

KernelRow row(KernelFn forward, DTypeSet dtypes) {
  return {.forward = forward, .dtypes = dtypes, .strided_inputs = true, .reads_programs = true};
}
// Those that look at some entries twice.
KernelRow search_row(KernelFn forward) {
  return {.forward = forward, .dtypes = kComputeTypes, .strided_inputs = true};
}

}  // namespace

KernelRow row_Sum() { return row(sum_forward, kComputeTypes); }
KernelRow row_Mean() { return row(mean_forward, kFloatTypes); }
KernelRow row_Prod() { return row(prod_forward, kComputeTypes); }
KernelRow row_Max() { return row(extreme_forward<op::Max, true>, kComputeTypes); }
KernelRow row_Min() { return row(extreme_forward<op::Min, false>, kComputeTypes); }
KernelRow row_Argmax() { return search_row(find_forward<op::Argmax, true>); }
KernelRow row_Argmin() { return search_row(find_forward<op::Argmin, false>); }
KernelRow row_Any() { return row(truth_forward<op::Any, false>, kComputeTypes); }
KernelRow row_All() { return row(truth_forward<op::All, true>, kComputeTypes); }

}  // namespace catena::cpu::CATENA_ISA
