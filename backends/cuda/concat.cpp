// Concatenation: each input is copied to its place.
#include "catena/ops/concat.hpp"

#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

void concat(const op::Concat& op, const KernelContext& c) {
  TensorView place = c.output();
  const auto dim = static_cast<int>(op.dim < 0 ? op.dim + place.rank() : op.dim);
  const std::int64_t step = place.strides[dim] * static_cast<std::int64_t>(size_of(place.dtype));
  for (int i = 0; i < c.num_inputs; ++i) {
    const TensorView& x = c.input(i);
    place.shape = x.shape;
    copy_strided(place, x, c.device.index);
    place.data = place.as<char>() + x.shape[dim] * step;
  }
}

}  // namespace

KernelRow row_Concat() {
  return {.forward = kernel<op::Concat, concat>(), .dtypes = kAllTypes, .strided_inputs = true};
}

}  // namespace catena::gpu
