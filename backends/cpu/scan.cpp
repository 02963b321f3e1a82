// CPU kernel of cumsum. Rows along the last dimension are added up one by one; along another, a run
// of neighbouring columns at a time.
#include "catena/ops/scan.hpp"

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kColumns = 256;
constexpr std::int64_t kGrain = 1 << 16;  // elements from which a second thread is worth it

// What terms of type T are added up in: float64, or int64 that wraps around.
template <class T>
using Total = std::conditional_t<std::numeric_limits<T>::has_infinity, double, std::uint64_t>;

// y[k] = x[0] + .. + x[k] for k < n, entries `step` apart, for `width` neighbouring columns.
template <class T, class Out>
[[gnu::noinline]] void scan_columns(const T* x, Out* y, std::int64_t n, std::int64_t step,
                                    std::int64_t width) {
  Total<T> total[kColumns];
  for (std::int64_t c = 0; c < width; ++c) total[c] = 0;
  for (std::int64_t k = 0; k < n; ++k) {
    for (std::int64_t c = 0; c < width; ++c) {
      total[c] += static_cast<Total<T>>(x[k * step + c]);
      y[k * step + c] = static_cast<Out>(total[c]);
    }
  }
}
template <class T, class Out>
void scan_line(const T* x, Out* y, std::int64_t n, std::int64_t step) {
  Total<T> total = 0;
  for (std::int64_t k = 0; k < n; ++k) {
    total += static_cast<Total<T>>(x[k * step]);
    y[k * step] = static_cast<Out>(total);
  }
}

template <class T, class Out>
void scan(const TensorView& in, Out* out, std::int64_t dim, bool reverse) {
  const std::int64_t* sizes = in.shape.data();
  const std::int64_t n = sizes[dim];
  std::int64_t inner = 1;
  for (int d = in.shape.rank() - 1; d > dim; --d) inner *= sizes[d];
  const std::int64_t outer = in.numel / (n * inner);
  const T* x = static_cast<const T*>(in.data);
  const std::int64_t step = reverse ? -inner : inner;
  const std::int64_t first = reverse ? (n - 1) * inner : 0;
  const std::int64_t blocks = (inner + kColumns - 1) / kColumns;
  const std::int64_t width = min_of(inner, kColumns);
  parallel(outer * blocks, max_of<std::int64_t>(1, kGrain / (n * width)),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t u = begin; u < end; ++u) {
               const std::int64_t column = u % blocks * kColumns;
               const std::int64_t start = u / blocks * n * inner + first + column;
               if (inner == 1)
                 scan_line(x + start, out + start, n, step);
               else
                 scan_columns(x + start, out + start, n, step, min_of(kColumns, inner - column));
             }
           });
}

void cumsum_forward(const void* op, const KernelContext& context) {
  const auto& attrs = *static_cast<const op::CumSum*>(op);
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  if (x.numel == 0) return;
  const std::int64_t dim = attrs.dim < 0 ? attrs.dim + x.shape.rank() : attrs.dim;
  visit_compute(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    if constexpr (std::numeric_limits<T>::has_infinity)
      scan<T>(x, static_cast<T*>(y.data), dim, attrs.reverse);
    else
      scan<T>(x, static_cast<std::int64_t*>(y.data), dim, attrs.reverse);
  });
}

}  // namespace

KernelRow row_CumSum() { return {.forward = cumsum_forward, .dtypes = kComputeTypes}; }

}  // namespace catena::cpu::CATENA_ISA
