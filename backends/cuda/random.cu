// Dropout, with the mask that the CPU draws from the same counters. Uniform and normal tensors are
// made on the host and copied.
#include "catena/ops/random.hpp"

#include "catena/backends/cuda/map.cuh"
#include "catena/backends/cuda/row.hpp"
#include "catena/graph/philox.hpp"
#include "catena/ops/random_formulas.hpp"

namespace catena::gpu {
namespace {

// Element i takes number offset + i of the stream. A thread makes one block of four numbers.
template <class T>
__global__ void __launch_bounds__(kThreads)
    dropout_elements(const T* x, T* y, std::int64_t n, T scale, std::uint32_t threshold,
                     std::uint64_t seed, std::uint64_t offset) {
  const auto skip = static_cast<std::int64_t>(offset % 4);
  const std::int64_t blocks = (skip + n + 3) / 4;
  for (std::int64_t b = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; b < blocks;
       b += std::int64_t{gridDim.x} * blockDim.x) {
    const Philox4 numbers = philox(seed, offset / 4 + static_cast<std::uint64_t>(b));
#pragma unroll
    for (int k = 0; k < 4; ++k) {
      const std::int64_t i = 4 * b - skip + k;
      if (i < 0 || i >= n) continue;
      const T kept = x[i] * scale;
      y[i] = numbers.v[k] < threshold ? T(0) : kept;
    }
  }
}

void dropout(const op::Dropout& op, const KernelContext& c) {
  const std::int64_t n = c.output().numel;
  if (n == 0) return;
  visit_float(c.output().dtype, [&](auto zero) {
    using T = decltype(zero);
    dropout_elements<<<grid_for(n / 4 + 2, c.device.index), kThreads, 0, stream_of(c)>>>(
        c.input(0).as<T>(), c.output().as<T>(), n, static_cast<T>(formulas::dropout_scale(op.p)),
        formulas::dropout_threshold(op.p), op.state.seed, op.state.offset);
    CATENA_LAUNCHED("dropout_elements");
  });
}

}  // namespace

KernelRow row_Dropout() {
  return {.forward = kernel<op::Dropout, dropout>(), .dtypes = kFloatTypes};
}

}  // namespace catena::gpu
