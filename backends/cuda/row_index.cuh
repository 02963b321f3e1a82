// Rows of a tensor chosen by number: what index_select and embedding share. Input 0 holds the rows,
// input 1 the numbers.
#pragma once

#include "catena/backends/cuda/fault.cuh"
#include "catena/backends/cuda/map.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

// x seen as [outer, size, inner], y as [outer, count, inner].
struct Extents {
  std::int64_t outer = 1, size = 0, inner = 1, count = 0;
  Extents(const Shape& shape, std::int64_t given, std::int64_t entries, std::int64_t indices)
      : size(entries), count(indices) {
    const auto dim = static_cast<int>(given < 0 ? given + shape.rank() : given);
    for (int d = 0; d < dim; ++d) outer *= shape[d];
    for (int d = dim + 1; d < shape.rank(); ++d) inner *= shape[d];
  }
};

// y[o, j, i] = x[o, index[j], i]; zero, and a fault, where the index is out of range.
template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    select_rows(const T* x, const I* index, T* y, Extents s, Fault* fault, FaultCode code) {
  const std::int64_t numel = s.outer * s.count * s.inner;
  for (std::int64_t k = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; k < numel;
       k += std::int64_t{gridDim.x} * blockDim.x) {
    const std::int64_t i = k % s.inner, j = k / s.inner % s.count, o = k / s.inner / s.count;
    const auto from = static_cast<std::int64_t>(index[j]);
    const bool valid = from >= 0 && from < s.size;
    if (!valid) report(fault, code, from, s.size);
    y[k] = valid ? x[(o * s.size + from) * s.inner + i] : T(0);
  }
}

template <class F>
void visit_index(DType dtype, const F& f) {
  if (dtype == kInt32)
    f(std::int32_t{});
  else
    f(std::int64_t{});
}

inline void select(const KernelContext& c, std::int64_t given, FaultCode code) {
  const TensorView& x = c.input(0);
  const TensorView& index = c.input(1);
  const TensorView& y = c.output();
  if (y.numel == 0) return;
  const auto dim = static_cast<int>(given < 0 ? given + x.rank() : given);
  const Extents s(x.shape, dim, x.shape[dim], index.numel);
  visit_bytes(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    visit_index(index.dtype, [&](auto index_zero) {
      select_rows<<<grid_for(y.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
          x.as<T>(), index.as<decltype(index_zero)>(), y.as<T>(), s, fault_of(c.device.index),
          code);
      CATENA_LAUNCHED("select_rows");
    });
  });
}

}  // namespace
}  // namespace catena::gpu
