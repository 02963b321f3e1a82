// local_response_norm and its gradient, one thread per element.
#include "catena/ops/local_response_norm.hpp"

#include "catena/backends/cuda/map.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

template <class T>
struct Neighbours {
  std::int64_t numel, channels, line, before, after;
  T share, beta, k;  // share: alpha / size

  Neighbours(const op::LocalResponseNorm& op, const TensorView& x)
      : numel(x.numel),
        channels(x.shape[1]),
        line(1),
        before(op.size / 2),
        after((op.size - 1) / 2),
        share(static_cast<T>(op.alpha / static_cast<double>(op.size))),
        beta(static_cast<T>(op.beta)),
        k(static_cast<T>(op.k)) {
    for (int d = 2; d < x.rank(); ++d) line *= x.shape[d];
  }
  // The sum of term(position) over the channels around that of element i.
  template <class Term>
  __device__ T sum_around(std::int64_t i, std::int64_t from, std::int64_t to,
                          const Term& term) const {
    const std::int64_t c = i / line % channels;
    const std::int64_t first = from < c ? -from : -c;
    const std::int64_t last = to < channels - 1 - c ? to : channels - 1 - c;
    T total = 0;
    for (std::int64_t j = first; j <= last; ++j) total += term(i + j * line);
    return total;
  }
  __device__ T divisor(const T* x, std::int64_t i) const {
    return k + share * sum_around(i, before, after, [&](std::int64_t j) { return x[j] * x[j]; });
  }
};

template <class T>
__global__ void __launch_bounds__(kThreads) divide(const T* x, T* y, Neighbours<T> s) {
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < s.numel;
       i += std::int64_t{gridDim.x} * blockDim.x)
    y[i] = x[i] * pow(s.divisor(x, i), -s.beta);
}

// dx = g d^-beta and terms = g x d^(-beta - 1) ...
template <class T>
__global__ void __launch_bounds__(kThreads)
    gradient_terms(const T* g, const T* x, T* dx, T* terms, Neighbours<T> s) {
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < s.numel;
       i += std::int64_t{gridDim.x} * blockDim.x) {
    const T d = s.divisor(x, i), first = g[i] * pow(d, -s.beta);
    dx[i] = first;
    terms[i] = first * x[i] / d;
  }
}
// ... then dx -= 2 beta share x sum(terms), over the channels that have x around them.
template <class T>
__global__ void __launch_bounds__(kThreads)
    gradient_sums(const T* x, const T* terms, T* dx, Neighbours<T> s) {
  for (std::int64_t i = std::int64_t{blockIdx.x} * blockDim.x + threadIdx.x; i < s.numel;
       i += std::int64_t{gridDim.x} * blockDim.x)
    dx[i] -= T(2) * s.beta * s.share * x[i] *
             s.sum_around(i, s.after, s.before, [&](std::int64_t j) { return terms[j]; });
}

void forward(const op::LocalResponseNorm& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  if (x.numel == 0) return;
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    divide<<<grid_for(x.numel, c.device.index), kThreads, 0, stream_of(c)>>>(
        x.as<T>(), c.output().as<T>(), Neighbours<T>(op, x));
    CATENA_LAUNCHED("divide");
  });
}

// Inputs: the gradient of y, then x.
void backward(const op::LocalResponseNorm& op, const KernelContext& c) {
  const TensorView& x = c.input(1);
  if (x.numel == 0) return;
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Neighbours<T> s(op, x);
    const Scratch terms(static_cast<std::size_t>(x.numel) * sizeof(T), c.device.index);
    T *sums = static_cast<T*>(terms.data()), *dx = c.output(0).as<T>();
    const unsigned grid = grid_for(x.numel, c.device.index);
    gradient_terms<<<grid, kThreads, 0, stream_of(c)>>>(c.grad_output().as<T>(), x.as<T>(), dx,
                                                        sums, s);
    CATENA_LAUNCHED("gradient_terms");
    gradient_sums<<<grid, kThreads, 0, stream_of(c)>>>(x.as<T>(), static_cast<const T*>(sums), dx,
                                                       s);
    CATENA_LAUNCHED("gradient_sums");
  });
}

}  // namespace

KernelRow row_LocalResponseNorm() {
  return {.forward = kernel<op::LocalResponseNorm, forward>(),
          .backward = kernel<op::LocalResponseNorm, backward>(),
          .dtypes = kFloatTypes};
}

}  // namespace catena::gpu
