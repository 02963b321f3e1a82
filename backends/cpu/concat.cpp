#include "catena/ops/concat.hpp"

#include "catena/backends/cpu/copy.hpp"
#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Each input is copied into its part of y, seen as a strided view; where the parts are runs of
// memory that is one memcpy.
void concat(const void* op, const KernelContext& c) {
  const TensorView& y = c.outputs[0];
  if (y.numel == 0) return;
  const int rank = y.shape.rank();
  const std::int64_t given = static_cast<const op::Concat*>(op)->dim;
  const int dim = static_cast<int>(given < 0 ? given + rank : given);
  const std::int64_t element = element_bytes(y.dtype);
  std::int64_t outer = 1, inner = 1;  // products of the sizes around dim
  for (int d = 0; d < dim; ++d) outer *= y.shape.data()[d];
  for (int d = dim + 1; d < rank; ++d) inner *= y.shape.data()[d];
  std::int64_t begin = 0;
  for (int i = 0; i < c.num_inputs; ++i) {
    const TensorView& x = c.inputs[i];
    char* to = static_cast<char*>(y.data) + begin * inner * element;
    begin += x.shape.data()[dim];
    if (x.numel == 0) continue;
    if (outer == 1 && x.contiguous && x.numel * element <= 65536) {
      std::memcpy(to, x.data, static_cast<std::size_t>(x.numel * element));
      continue;
    }
    TensorView part = x;
    part.data = to;
    part.strides = y.strides;
    part.contiguous = false;
    copy_strided(part, x);
  }
}

}  // namespace

KernelRow row_Concat() { return {.forward = concat, .dtypes = kAllTypes, .strided_inputs = true}; }

}  // namespace catena::cpu::CATENA_ISA
