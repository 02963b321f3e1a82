// Both are strided copies: one with strides that run backwards, one of up to 2^k parts.
#include "catena/ops/flip.hpp"

#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

int from_front(std::int64_t dim, int rank) { return static_cast<int>(dim < 0 ? dim + rank : dim); }

void flip(const op::Flip& op, const KernelContext& c) {
  const TensorView& y = c.output();
  if (y.numel == 0) return;
  TensorView from = c.input(0);
  std::int64_t offset = 0;
  const int named = op.dims.rank();
  for (int i = 0; i < (named == 0 ? y.rank() : named); ++i) {
    const int d = named == 0 ? i : from_front(op.dims[i], y.rank());
    offset += (y.shape[d] - 1) * from.strides[d];
    from.strides[d] = -from.strides[d];
  }
  from.data = from.as<char>() + offset * static_cast<std::int64_t>(size_of(y.dtype));
  from.contiguous = false;
  copy_strided(y, from, c.device.index);
}

void roll(const op::Roll& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  const TensorView& y = c.output();
  if (y.numel == 0) return;
  const auto element = static_cast<std::int64_t>(size_of(y.dtype));
  // The dimensions that move at all, and how far towards the end.
  Shape moved, shifts;
  for (int i = 0; i < op.dims.rank(); ++i) {
    const int d = from_front(op.dims[i], y.rank());
    const std::int64_t shift = op.shifts[i] % y.shape[d];
    if (shift == 0) continue;
    moved.push_back(d);
    shifts.push_back(shift < 0 ? shift + y.shape[d] : shift);
  }
  // Bit k of `part`: the entries that go round in dimension moved[k].
  for (int part = 0; part < 1 << moved.rank(); ++part) {
    TensorView from = x, to = y;
    std::int64_t read = 0, write = 0;
    for (int k = 0; k < moved.rank(); ++k) {
      const auto d = static_cast<int>(moved[k]);
      const bool round = part >> k & 1;
      const std::int64_t rest = y.shape[d] - shifts[k];
      from.shape[d] = to.shape[d] = round ? shifts[k] : rest;
      if (round)
        read += rest * x.strides[d];
      else
        write += shifts[k] * y.strides[d];
    }
    from.numel = to.numel = to.shape.numel();
    from.data = x.as<char>() + read * element;
    to.data = y.as<char>() + write * element;
    from.contiguous = to.contiguous = false;
    copy_strided(to, from, c.device.index);
  }
}

}  // namespace

KernelRow row_Flip() {
  return {.forward = kernel<op::Flip, flip>(), .dtypes = kAllTypes, .strided_inputs = true};
}
KernelRow row_Roll() {
  return {.forward = kernel<op::Roll, roll>(), .dtypes = kAllTypes, .strided_inputs = true};
}

}  // namespace catena::gpu
