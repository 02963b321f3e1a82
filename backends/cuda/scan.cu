// cumsum. A warp takes a row along the last dimension, 32 entries at a time; along another
// dimension a thread takes a column.
#include "catena/ops/scan.hpp"

#include "catena/backends/cuda/group.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

// Rows of n entries `inner` apart, in [outer, n, inner]; backwards when `reverse`.
struct Lines {
  std::int64_t outer, n, inner;
  bool reverse;
};

template <int G, class T, class Out>
__global__ void __launch_bounds__(kThreads) cumsum_rows(const T* x, Out* y, Lines s) {
  const RowOfThread<G> at;
  if (at.row >= s.outer * s.inner) return;
  const std::int64_t base = at.row / s.inner * s.n * s.inner + at.row % s.inner;
  Out before = Out(0);
  for (std::int64_t begin = 0; begin < s.n; begin += G) {
    const std::int64_t j = begin + at.lane;
    const std::int64_t k = base + (s.reverse ? s.n - 1 - j : j) * s.inner;
    Out sum = j < s.n ? static_cast<Out>(x[k]) : Out(0);
    if constexpr (G == 32) {
#pragma unroll
      for (int by = 1; by < 32; by *= 2) {
        const Out left = __shfl_up_sync(0xffffffffu, sum, by);
        if (at.lane >= by) sum += left;
      }
    }
    sum += before;
    if (j < s.n) y[k] = sum;
    if constexpr (G == 32)
      before = __shfl_sync(0xffffffffu, sum, 31);
    else
      before = sum;
  }
}

void cumsum(const op::CumSum& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  if (x.numel == 0) return;
  const auto dim = static_cast<int>(op.dim < 0 ? op.dim + x.rank() : op.dim);
  Lines lines{1, x.shape[dim], 1, op.reverse};
  for (int d = 0; d < dim; ++d) lines.outer *= x.shape[d];
  for (int d = dim + 1; d < x.rank(); ++d) lines.inner *= x.shape[d];
  const std::int64_t rows = lines.outer * lines.inner;
  visit_compute(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    using Out = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
    const T* in = x.as<T>();
    Out* out = c.output().as<Out>();
    if (lines.inner == 1)
      cumsum_rows<32><<<blocks_for_rows(rows, 32), kThreads, 0, stream_of(c)>>>(in, out, lines);
    else
      cumsum_rows<1><<<blocks_for_rows(rows, 1), kThreads, 0, stream_of(c)>>>(in, out, lines);
    CATENA_LAUNCHED("cumsum_rows");
  });
}

}  // namespace

KernelRow row_CumSum() {
  return {.forward = kernel<op::CumSum, cumsum>(), .dtypes = kComputeTypes};
}

}  // namespace catena::gpu
