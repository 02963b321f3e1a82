// Slice is a view; here is its adjoint.
#include "catena/ops/slice.hpp"

#include "catena/backends/cpu/copy.hpp"
#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

void slice_adjoint(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::SliceAdjoint*>(attrs);
  const TensorView &x = c.inputs[0], &y = c.outputs[0];
  const std::int64_t element = element_bytes(y.dtype);
  char* to = static_cast<char*>(y.data);
  parallel(y.numel * element, 1 << 20, [&](std::int64_t begin, std::int64_t end) {
    std::memset(to + begin, 0, static_cast<std::size_t>(end - begin));
  });
  if (x.numel == 0) return;
  TensorView part = x;
  std::int64_t offset = 0;
  for (int d = 0; d < y.shape.rank(); ++d) {
    offset += op.start.data()[d] * y.strides.data()[d];
    part.strides[d] = y.strides.data()[d] * op.step.data()[d];
  }
  part.data = to + offset * element;
  part.contiguous = false;
  copy_strided(part, x);
}

}  // namespace

KernelRow row_SliceAdjoint() {
  return {.forward = slice_adjoint, .dtypes = kAllTypes, .strided_inputs = true};
}

}  // namespace catena::cpu::CATENA_ISA
