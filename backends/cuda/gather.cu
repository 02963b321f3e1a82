// Entries picked or written one by one along a dimension.
#include "catena/ops/gather.hpp"

#include "catena/backends/cuda/row_index.cuh"

namespace catena::gpu {
namespace {

// A tensor that is addressed along `dim`, and the index.
struct Lines {
  std::int64_t sizes[kMaxRank];  // of the addressed tensor
  std::int64_t index_sizes[kMaxRank];
  int rank, dim;
  Lines(const TensorView& addressed, const TensorView& index, std::int64_t given)
      : rank(index.rank()), dim(static_cast<int>(given < 0 ? given + index.rank() : given)) {
    for (int d = 0; d < rank; ++d) {
      sizes[d] = addressed.shape[d];
      index_sizes[d] = index.shape[d];
    }
  }
};

// y[k] = x at the entry that index[k] names; zero, and a fault, where it names none.
template <class T, class I>
__global__ void __launch_bounds__(kThreads)
    pick(const T* x, const I* index, T* y, std::int64_t numel, const __grid_constant__ Lines s,
         Fault* fault) {
  const std::int64_t size = s.sizes[s.dim];
  for (std::int64_t k = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; k < numel;
       k += std::int64_t{gridDim.x} * blockDim.x) {
    const auto at = static_cast<std::int64_t>(index[k]);
    const bool valid = at >= -size && at < size;
    if (!valid) report(fault, FaultCode::kGather, at, size);
    std::int64_t from = 0, stride = 1, rest = k;
    for (int d = s.rank - 1; d >= 0; --d) {
      const std::int64_t here = rest % s.index_sizes[d];
      rest /= s.index_sizes[d];
      from += (d == s.dim ? (at < 0 ? at + size : at) : here) * stride;
      stride *= s.sizes[d];
    }
    y[k] = valid ? x[from] : T(0);
  }
}

template <class I>
__global__ void __launch_bounds__(kThreads)
    check_places(const I* index, std::int64_t count, std::int64_t size, Fault* fault,
                 FaultCode code) {
  for (std::int64_t j = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; j < count;
       j += std::int64_t{gridDim.x} * blockDim.x) {
    const auto at = static_cast<std::int64_t>(index[j]);
    if (at < -size || at >= size) report(fault, code, at, size);
  }
}

// Element k of y is that of x, joined with the entries of src whose index names it, in their order:
// the same bits every time, without atomics. Each thread reads its line of the index.
template <bool kAdd, class T, class I>
__global__ void __launch_bounds__(kThreads)
    put(const T* x, const I* index, const T* src, T* y, std::int64_t numel,
        const __grid_constant__ Lines s) {
  const std::int64_t size = s.sizes[s.dim];
  for (std::int64_t k = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; k < numel;
       k += std::int64_t{gridDim.x} * blockDim.x) {
    std::int64_t line = 0, step = 1, stride = 1, rest = k, entry = 0;
    bool reached = true;
    for (int d = s.rank - 1; d >= 0; --d) {
      const std::int64_t here = rest % s.sizes[d];
      rest /= s.sizes[d];
      if (d == s.dim) {
        entry = here;
        step = stride;
      } else {
        reached = reached && here < s.index_sizes[d];
        line += here * stride;
      }
      stride *= s.index_sizes[d];
    }
    T value = x[k];
    const std::int64_t count = reached ? s.index_sizes[s.dim] : 0;
    for (std::int64_t j = 0; j < count; ++j) {
      const auto at = static_cast<std::int64_t>(index[line + j * step]);
      if ((at < 0 ? at + size : at) != entry) continue;
      const T given = src[line + j * step];
      value = kAdd ? static_cast<T>(value + given) : given;
    }
    y[k] = value;
  }
}

void gather(const op::Gather& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  const TensorView& index = c.input(1);
  const TensorView& y = c.output();
  if (y.numel == 0) return;
  const Lines s(x, index, op.dim);
  visit_bytes(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    visit_index(index.dtype, [&](auto index_zero) {
      pick<<<grid_for(y.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
          x.as<T>(), index.as<decltype(index_zero)>(), y.as<T>(), y.numel, s,
          fault_of(c.device.index));
      CATENA_LAUNCHED("pick");
    });
  });
}

template <bool kAdd, class T>
void put_all(const KernelContext& c, std::int64_t dim, FaultCode code) {
  const TensorView& x = c.input(0);
  const TensorView& index = c.input(1);
  const TensorView& y = c.output();
  const Lines s(x, index, dim);
  visit_index(index.dtype, [&](auto index_zero) {
    using I = decltype(index_zero);
    if (index.numel > 0) {
      check_places<<<grid_for(index.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
          index.as<I>(), index.numel, s.sizes[s.dim], fault_of(c.device.index), code);
      CATENA_LAUNCHED("check_places");
    }
    if (y.numel == 0) return;
    put<kAdd><<<grid_for(y.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
        x.as<T>(), index.as<I>(), c.input(2).as<T>(), y.as<T>(), y.numel, s);
    CATENA_LAUNCHED("put");
  });
}

void scatter(const op::Scatter& op, const KernelContext& c) {
  visit_bytes(c.output().dtype,
              [&](auto zero) { put_all<false, decltype(zero)>(c, op.dim, FaultCode::kScatter); });
}

void scatter_add(const op::ScatterAdd& op, const KernelContext& c) {
  visit_compute(c.output().dtype, [&](auto zero) {
    put_all<true, decltype(zero)>(c, op.dim, FaultCode::kScatterAdd);
  });
}

}  // namespace

KernelRow row_Gather() { return {.forward = kernel<op::Gather, gather>(), .dtypes = kAllTypes}; }
KernelRow row_Scatter() { return {.forward = kernel<op::Scatter, scatter>(), .dtypes = kAllTypes}; }
KernelRow row_ScatterAdd() {
  return {.forward = kernel<op::ScatterAdd, scatter_add>(), .dtypes = kNumberTypes};
}

}  // namespace catena::gpu
