// unfold and fold, one thread per element of the result.
#include "catena/ops/unfold.hpp"

#include "catena/backends/cuda/map.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

struct Windows {
  int dims;
  std::int64_t size[kMaxRank], kernel[kMaxRank], dilation[kMaxRank], padding[kMaxRank],
      stride[kMaxRank], count[kMaxRank];
  std::int64_t plane = 1, entries = 1, windows = 1;  // of an image, of a window, of them

  template <class Op>
  Windows(const Op& op, const TensorView& image) : dims(image.rank() - 2) {
    const auto at = [](const Shape& given, int d) { return given[given.rank() == 1 ? 0 : d]; };
    for (int d = 0; d < dims; ++d) {
      size[d] = image.shape[d + 2];
      kernel[d] = at(op.kernel_size, d);
      dilation[d] = at(op.dilation, d);
      padding[d] = at(op.padding, d);
      stride[d] = at(op.stride, d);
      count[d] = (size[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d] + 1;
      plane *= size[d];
      entries *= kernel[d];
      windows *= count[d];
    }
  }
};

template <class T>
__global__ void __launch_bounds__(kThreads)
    gather_windows(const T* x, T* y, std::int64_t numel, const __grid_constant__ Windows s) {
  for (std::int64_t k = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; k < numel;
       k += std::int64_t{gridDim.x} * blockDim.x) {
    std::int64_t window = k % s.windows, entry = k / s.windows % s.entries;
    std::int64_t from = k / s.windows / s.entries * s.plane, step = 1;
    bool inside = true;
    for (int d = s.dims - 1; d >= 0; --d) {
      const std::int64_t i =
          window % s.count[d] * s.stride[d] + entry % s.kernel[d] * s.dilation[d] - s.padding[d];
      inside = inside && i >= 0 && i < s.size[d];
      from += i * step;
      step *= s.size[d];
      window /= s.count[d];
      entry /= s.kernel[d];
    }
    y[k] = inside ? x[from] : T(0);
  }
}

// The sum over the entries of a window, in their order, of the window that shows element k there.
template <class T>
__global__ void __launch_bounds__(kThreads)
    add_windows(const T* x, T* y, std::int64_t numel, const __grid_constant__ Windows s) {
  for (std::int64_t k = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; k < numel;
       k += std::int64_t{gridDim.x} * blockDim.x) {
    const std::int64_t columns = k / s.plane * s.entries;
    T sum = 0;
    for (std::int64_t entry = 0; entry < s.entries; ++entry) {
      std::int64_t position = k % s.plane, rest = entry, window = 0, step = 1;
      bool shown = true;
      for (int d = s.dims - 1; d >= 0; --d) {
        const std::int64_t at =
            position % s.size[d] + s.padding[d] - rest % s.kernel[d] * s.dilation[d];
        const std::int64_t w = at / s.stride[d];
        shown = shown && at >= 0 && at % s.stride[d] == 0 && w < s.count[d];
        window += w * step;
        step *= s.count[d];
        position /= s.size[d];
        rest /= s.kernel[d];
      }
      if (shown) sum += x[(columns + entry) * s.windows + window];
    }
    y[k] = sum;
  }
}

void unfold(const op::Unfold& op, const KernelContext& c) {
  const TensorView &x = c.input(0), &y = c.output();
  if (y.numel == 0) return;
  const Windows s(op, x);
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    gather_windows<<<grid_for(y.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
        x.as<T>(), y.as<T>(), y.numel, s);
    CATENA_LAUNCHED("gather_windows");
  });
}

void fold(const op::Fold& op, const KernelContext& c) {
  const TensorView &x = c.input(0), &y = c.output();
  if (y.numel == 0) return;
  const Windows s(op, y);
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    add_windows<<<grid_for(y.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
        x.as<T>(), y.as<T>(), y.numel, s);
    CATENA_LAUNCHED("add_windows");
  });
}

}  // namespace

KernelRow row_Unfold() { return {.forward = kernel<op::Unfold, unfold>(), .dtypes = kFloatTypes}; }
KernelRow row_Fold() { return {.forward = kernel<op::Fold, fold>(), .dtypes = kFloatTypes}; }

}  // namespace catena::gpu
