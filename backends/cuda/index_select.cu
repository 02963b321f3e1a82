// Picking entries of a dimension by number, and the adjoint.
#include "catena/ops/index_select.hpp"

#include "catena/backends/cuda/row_index.cuh"

namespace catena::gpu {
namespace {

template <class I>
__global__ void __launch_bounds__(kThreads)
    check_indices(const I* index, std::int64_t count, std::int64_t size, Fault* fault) {
  for (std::int64_t j = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; j < count;
       j += std::int64_t{gridDim.x} * blockDim.x) {
    const auto at = static_cast<std::int64_t>(index[j]);
    if (at < 0 || at >= size) report(fault, FaultCode::kIndexAdd, at, size);
  }
}

// y[o, e, i] = sum of x[o, j, i] over the j with index[j] == e, in the order of j: the same bits
// every time, without atomics. A block takes one entry e and a stretch of the inner dimension, and
// reads the indices through shared memory.
template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    add_rows(const T* x, const I* index, T* y, Extents s, std::int64_t stretches) {
  __shared__ I tile[kThreads];
  const std::int64_t block = blockIdx.x;
  const std::int64_t i = block % stretches * kThreads + threadIdx.x;
  const std::int64_t e = block / stretches % s.size;
  const std::int64_t o = block / stretches / s.size;
  T sum = 0;
  for (std::int64_t first = 0; first < s.count; first += kThreads) {
    const std::int64_t left = s.count - first;
    const int n = left < kThreads ? static_cast<int>(left) : kThreads;
    __syncthreads();
    if (static_cast<int>(threadIdx.x) < n) tile[threadIdx.x] = index[first + threadIdx.x];
    __syncthreads();
    for (int t = 0; t < n; ++t)
      if (static_cast<std::int64_t>(tile[t]) == e && i < s.inner)
        sum += x[(o * s.count + first + t) * s.inner + i];
  }
  if (i < s.inner) y[(o * s.size + e) * s.inner + i] = sum;
}

void index_select(const op::IndexSelect& op, const KernelContext& c) {
  select(c, op.dim, FaultCode::kIndexSelect);
}

void index_add(const op::IndexAdd& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  const TensorView& index = c.input(1);
  const TensorView& y = c.output();
  const Extents s(x.shape, op.dim, op.size, index.numel);
  visit_index(index.dtype, [&](auto index_zero) {
    using I = decltype(index_zero);
    if (s.count > 0) {
      check_indices<<<grid_for(s.count, c.device.index), kThreads, 0, stream_of(c)>>>(
          index.as<I>(), s.count, s.size, fault_of(c.device.index));
      CATENA_LAUNCHED("check_indices");
    }
    if (y.numel == 0) return;
    const std::int64_t stretches = (s.inner + kThreads - 1) / kThreads;
    const auto blocks = static_cast<unsigned>(s.outer * s.size * stretches);
    const auto add = [&](auto zero) {
      using T = decltype(zero);
      add_rows<<<blocks, kThreads, 0, stream_of(c)>>>(x.as<T>(), index.as<I>(), y.as<T>(), s,
                                                      stretches);
      CATENA_LAUNCHED("add_rows");
    };
    switch (x.dtype) {
      case kFloat64:
        return add(double{});
      case kInt32:
        return add(std::int32_t{});
      case kInt64:
        return add(std::int64_t{});
      case kUInt8:
        return add(std::uint8_t{});
      default:
        return add(float{});
    }
  });
}

}  // namespace

KernelRow row_IndexSelect() {
  return {.forward = kernel<op::IndexSelect, index_select>(), .dtypes = kAllTypes};
}
KernelRow row_IndexAdd() {
  return {.forward = kernel<op::IndexAdd, index_add>(), .dtypes = kNumberTypes};
}

}  // namespace catena::gpu
