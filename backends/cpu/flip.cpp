// Both are strided copies: one with strides that run backwards, one of up to 2^k parts.
#include "catena/ops/flip.hpp"

#include "catena/backends/cpu/copy.hpp"
#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

void flip(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::Flip*>(attrs);
  const TensorView& y = c.outputs[0];
  if (y.numel == 0) return;
  TensorView from = c.inputs[0];
  const int rank = y.shape.rank(), named = op.dims.rank();
  std::int64_t offset = 0;
  for (int i = 0; i < (named == 0 ? rank : named); ++i) {
    const std::int64_t given = named == 0 ? i : op.dims.data()[i];
    const int d = static_cast<int>(given < 0 ? given + rank : given);
    offset += (y.shape.data()[d] - 1) * from.strides.data()[d];
    from.strides[d] = -from.strides.data()[d];
  }
  from.data = static_cast<char*>(from.data) + offset * element_bytes(y.dtype);
  from.contiguous = false;
  copy_strided(y, from);
}

void roll(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::Roll*>(attrs);
  const TensorView &x = c.inputs[0], &y = c.outputs[0];
  if (y.numel == 0) return;
  const int rank = y.shape.rank();
  const std::int64_t element = element_bytes(y.dtype);
  // The dimensions that move at all, and how far towards the end.
  int moved[kMaxRank], count = 0;
  std::int64_t shift[kMaxRank];
  for (int i = 0; i < op.dims.rank(); ++i) {
    const std::int64_t given = op.dims.data()[i];
    const int d = static_cast<int>(given < 0 ? given + rank : given);
    const std::int64_t size = y.shape.data()[d], s = op.shifts.data()[i] % size;
    if (s == 0) continue;
    moved[count] = d;
    shift[count++] = s < 0 ? s + size : s;
  }
  // Bit k of `part`: the entries that go round in dimension moved[k].
  for (int part = 0; part < 1 << count; ++part) {
    TensorView from = x, to = y;
    std::int64_t read = 0, write = 0;
    to.numel = y.numel;
    for (int k = 0; k < count; ++k) {
      const int d = moved[k];
      const std::int64_t size = y.shape.data()[d];
      const bool round = part >> k & 1;
      from.shape[d] = to.shape[d] = round ? shift[k] : size - shift[k];
      (round ? read : write) +=
          round ? (size - shift[k]) * x.strides.data()[d] : shift[k] * y.strides.data()[d];
      to.numel = to.numel / size * to.shape.data()[d];
    }
    from.numel = to.numel;
    from.data = static_cast<char*>(x.data) + read * element;
    to.data = static_cast<char*>(y.data) + write * element;
    from.contiguous = to.contiguous = false;
    copy_strided(to, from);
  }
}

KernelRow row_of(KernelFn forward) {
  return {.forward = forward, .dtypes = kAllTypes, .strided_inputs = true};
}

}  // namespace

KernelRow row_Flip() { return row_of(flip); }
KernelRow row_Roll() { return row_of(roll); }

}  // namespace catena::cpu::CATENA_ISA
