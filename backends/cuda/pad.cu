// Tensors with a border, and the adjoint.
#include "catena/ops/pad.hpp"

#include "catena/backends/cuda/map.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

struct Border {
  std::int64_t small[kMaxRank], large[kMaxRank], before[kMaxRank];
  int rank, mode;
  Border(const TensorView& smaller, const TensorView& larger, const Shape& in_front, PadMode m)
      : rank(larger.rank()), mode(static_cast<int>(m)) {
    for (int d = 0; d < rank; ++d) {
      small[d] = smaller.shape[d];
      large[d] = larger.shape[d];
      before[d] = in_front[d];
    }
  }
};
constexpr int kReflect = static_cast<int>(PadMode::kReflect),
              kReplicate = static_cast<int>(PadMode::kReplicate),
              kCircular = static_cast<int>(PadMode::kCircular);

// Where entry i, counted from the first one of the middle, comes from; -1: from nowhere.
__device__ std::int64_t source_of(int mode, std::int64_t i, std::int64_t size) {
  if (i >= 0 && i < size) return i;
  if (mode == kReflect) return i < 0 ? -i : 2 * (size - 1) - i;
  if (mode == kReplicate) return i < 0 ? 0 : size - 1;
  if (mode == kCircular) return i < 0 ? i + size : i - size;
  return -1;
}

template <class T>
__global__ void __launch_bounds__(kThreads)
    add_border(const T* x, T* y, std::int64_t numel, const __grid_constant__ Border b, T value) {
  for (std::int64_t k = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; k < numel;
       k += std::int64_t{gridDim.x} * blockDim.x) {
    std::int64_t from = 0, stride = 1, rest = k;
    bool inside = true;
    for (int d = b.rank - 1; d >= 0; --d) {
      const std::int64_t i = source_of(b.mode, rest % b.large[d] - b.before[d], b.small[d]);
      inside = inside && i >= 0;
      rest /= b.large[d];
      from += i * stride;
      stride *= b.small[d];
    }
    y[k] = inside ? x[from] : value;
  }
}

// Entry k of y is the sum of the entries of x that show it, in row-major order: in each dimension a
// run from first[d] to last[d], of which those count that come from here.
template <class T>
__global__ void __launch_bounds__(kThreads)
    fold_border(const T* x, T* y, std::int64_t numel, const __grid_constant__ Border b) {
  for (std::int64_t k = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; k < numel;
       k += std::int64_t{gridDim.x} * blockDim.x) {
    std::int64_t target[kMaxRank], at[kMaxRank];
    std::int64_t rest = k;
    for (int d = b.rank - 1; d >= 0; --d) {
      target[d] = rest % b.small[d];
      rest /= b.small[d];
    }
    // The next entry of dimension d from `i` on that comes from the target; large[d]: none.
    const auto next = [&](int d, std::int64_t i) {
      const std::int64_t middle = b.before[d] + target[d];
      while (i < b.large[d] && source_of(b.mode, i - b.before[d], b.small[d]) != target[d])
        // Nothing but borders can come twice: the middle is jumped over.
        i = i >= b.before[d] && i < middle               ? middle
            : i > middle && i < b.before[d] + b.small[d] ? b.before[d] + b.small[d]
                                                         : i + 1;
      return i;
    };
    for (int d = 0; d < b.rank; ++d) at[d] = next(d, 0);
    T sum = 0;
    for (;;) {
      std::int64_t from = 0;
      for (int d = 0; d < b.rank; ++d) from = from * b.large[d] + at[d];
      sum = static_cast<T>(sum + x[from]);
      int d = b.rank - 1;
      while (d >= 0 && (at[d] = next(d, at[d] + 1)) == b.large[d]) {
        at[d] = next(d, 0);
        --d;
      }
      if (d < 0) break;
    }
    y[k] = sum;
  }
}

// Reads the name itself: this library links nothing of the core.
PadMode mode_named(const std::string& name) {
  if (name == "reflect") return PadMode::kReflect;
  if (name == "replicate") return PadMode::kReplicate;
  return name == "circular" ? PadMode::kCircular : PadMode::kConstant;
}

void pad(const op::Pad& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  const TensorView& y = c.output();
  if (y.numel == 0) return;
  const Border b(x, y, op.before, mode_named(op.mode));
  visit_compute(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    add_border<<<grid_for(y.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
        x.as<T>(), y.as<T>(), y.numel, b, static_cast<T>(op.value));
    CATENA_LAUNCHED("add_border");
  });
}

void pad_adjoint(const op::PadAdjoint& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  const TensorView& y = c.output();
  if (y.numel == 0) return;
  const Border b(y, x, op.before, mode_named(op.mode));
  visit_compute(y.dtype, [&](auto zero) {
    using T = decltype(zero);
    fold_border<<<grid_for(y.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
        x.as<T>(), y.as<T>(), y.numel, b);
    CATENA_LAUNCHED("fold_border");
  });
}

}  // namespace

KernelRow row_Pad() { return {.forward = kernel<op::Pad, pad>(), .dtypes = kComputeTypes}; }
KernelRow row_PadAdjoint() {
  return {.forward = kernel<op::PadAdjoint, pad_adjoint>(), .dtypes = kNumberTypes};
}

}  // namespace catena::gpu
