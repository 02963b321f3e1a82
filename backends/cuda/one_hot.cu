// Class numbers as vectors of zeros and a one.
#include "catena/ops/one_hot.hpp"

#include "catena/backends/cuda/row_index.cuh"

namespace catena::gpu {
namespace {

template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    mark_classes(const I* index, T* y, std::int64_t numel, std::int64_t classes, Fault* fault) {
  for (std::int64_t k = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; k < numel;
       k += std::int64_t{gridDim.x} * blockDim.x) {
    const auto at = static_cast<std::int64_t>(index[k / classes]);
    if (at < 0 || at >= classes) report(fault, FaultCode::kOneHot, at, classes);
    y[k] = T(k % classes == at ? 1 : 0);
  }
}

void one_hot(const op::OneHot& op, const KernelContext& c) {
  const TensorView& index = c.input(0);
  const TensorView& y = c.output();
  if (y.numel == 0) return;
  visit_compute(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    visit_index(index.dtype, [&](auto index_zero) {
      mark_classes<<<grid_for(y.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
          index.as<decltype(index_zero)>(), y.as<T>(), y.numel, op.classes,
          fault_of(c.device.index));
      CATENA_LAUNCHED("mark_classes");
    });
  });
}

}  // namespace

KernelRow row_OneHot() {
  return {.forward = kernel<op::OneHot, one_hot>(), .dtypes = DTypeSet(kInt32, kInt64)};
}

}  // namespace catena::gpu
