// The adjoint of a slice: zeros with the slice written in.
#include "catena/ops/slice.hpp"

#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

void slice_adjoint(const op::SliceAdjoint& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  TensorView y = c.output();
  const std::size_t element = size_of(y.dtype);
  if (y.numel == 0) return;
  CATENA_CUDA(
      cudaMemsetAsync(y.data, 0, static_cast<std::size_t>(y.numel) * element, stream_of(c)));
  if (x.numel == 0) return;
  std::int64_t offset = 0;
  for (int d = 0; d < y.rank(); ++d) {
    offset += op.start[d] * y.strides[d];
    y.strides[d] *= op.step[d];
  }
  y.data = y.as<char>() + offset * static_cast<std::int64_t>(element);
  y.shape = x.shape;
  copy_strided(y, x, c.device.index);
}

}  // namespace

KernelRow row_SliceAdjoint() {
  return {.forward = kernel<op::SliceAdjoint, slice_adjoint>(),
          .dtypes = kAllTypes,
          .strided_inputs = true};
}

}  // namespace catena::gpu
