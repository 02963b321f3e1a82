// Triangles of matrices.
#include "catena/ops/trilu.hpp"

#include "catena/backends/cuda/map.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

template <class T>
__global__ void __launch_bounds__(kThreads)
    keep_triangle(const T* x, T* y, std::int64_t numel, std::int64_t rows, std::int64_t columns,
                  std::int64_t diagonal, bool upper) {
  for (std::int64_t k = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; k < numel;
       k += std::int64_t{gridDim.x} * blockDim.x) {
    const std::int64_t above = k % columns - k / columns % rows;
    y[k] = (upper ? above >= diagonal : above <= diagonal) ? x[k] : T(0);
  }
}

void trilu(const op::Trilu& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  const TensorView& y = c.output();
  if (y.numel == 0) return;
  visit_bytes(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    keep_triangle<<<grid_for(y.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
        x.as<T>(), y.as<T>(), y.numel, y.size(-2), y.size(-1), op.diagonal, op.upper);
    CATENA_LAUNCHED("keep_triangle");
  });
}

}  // namespace

KernelRow row_Trilu() { return {.forward = kernel<op::Trilu, trilu>(), .dtypes = kAllTypes}; }

}  // namespace catena::gpu
