// softmax and log_softmax along one dimension, and their gradients.
#include "catena/ops/softmax.hpp"

#include "catena/backends/cuda/group.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

// The rows along the op's dimension, as [outer, n, inner].
struct Lines {
  std::int64_t outer = 1, n = 1, inner = 1;
  Lines(const Shape& shape, std::int64_t given) {
    if (shape.rank() == 0) return;
    const auto dim = static_cast<int>(given < 0 ? given + shape.rank() : given);
    for (int d = 0; d < dim; ++d) outer *= shape[d];
    n = shape[dim];
    for (int d = dim + 1; d < shape.rank(); ++d) inner *= shape[d];
  }
  std::int64_t rows() const { return n == 0 ? 0 : outer * inner; }
};

template <int G, bool Log, class T>
__global__ void __launch_bounds__(kThreads) softmax_rows(const T* x, T* y, Lines s) {
  const RowOfThread<G> at;
  if (at.row >= s.outer * s.inner) return;
  const std::int64_t base = at.row / s.inner * s.n * s.inner + at.row % s.inner;
  T largest = -kInfinity<T>;
  for (std::int64_t j = at.lane; j < s.n; j += G)
    largest = Larger{}(largest, x[base + j * s.inner]);
  largest = group_reduce<G>(largest, Larger{});
  T sum = 0;
  for (std::int64_t j = at.lane; j < s.n; j += G) sum += exp(x[base + j * s.inner] - largest);
  sum = group_reduce<G>(sum, AddUp{});
  const T log_sum = Log ? log(sum) : T(0);
  for (std::int64_t j = at.lane; j < s.n; j += G) {
    const T shifted = x[base + j * s.inner] - largest;
    y[base + j * s.inner] = Log ? shifted - log_sum : exp(shifted) / sum;
  }
}

// softmax: dx = y (g - sum(g y)); log_softmax: dx = g - exp(y) sum(g).
template <int G, bool Log, class T>
__global__ void __launch_bounds__(kThreads)
    softmax_gradient_rows(const T* g, const T* y, T* dx, Lines s) {
  const RowOfThread<G> at;
  if (at.row >= s.outer * s.inner) return;
  const std::int64_t base = at.row / s.inner * s.n * s.inner + at.row % s.inner;
  T sum = 0;
  for (std::int64_t j = at.lane; j < s.n; j += G) {
    const std::int64_t k = base + j * s.inner;
    sum += Log ? g[k] : g[k] * y[k];
  }
  sum = group_reduce<G>(sum, AddUp{});
  for (std::int64_t j = at.lane; j < s.n; j += G) {
    const std::int64_t k = base + j * s.inner;
    dx[k] = Log ? g[k] - exp(y[k]) * sum : y[k] * (g[k] - sum);
  }
}

template <bool Log>
void forward(std::int64_t dim, const KernelContext& c) {
  const Lines lines(c.input(0).shape, dim);
  if (lines.rows() == 0) return;
  visit_float(c.input(0).dtype, [&](auto zero) {
    using T = decltype(zero);
    with_group(lines.n, lines.inner, [&](auto group) {
      constexpr int G = decltype(group)::value;
      softmax_rows<G, Log><<<blocks_for_rows(lines.rows(), G), kThreads, 0, stream_of(c)>>>(
          c.input(0).as<T>(), c.output().as<T>(), lines);
      CATENA_LAUNCHED("softmax_rows");
    });
  });
}

// Inputs: gradient, x (not saved), y.
template <bool Log>
void backward(std::int64_t dim, const KernelContext& c) {
  const Lines lines(c.output().shape, dim);
  if (!c.output().data || lines.rows() == 0) return;
  visit_float(c.output().dtype, [&](auto zero) {
    using T = decltype(zero);
    with_group(lines.n, lines.inner, [&](auto group) {
      constexpr int G = decltype(group)::value;
      softmax_gradient_rows<G, Log>
          <<<blocks_for_rows(lines.rows(), G), kThreads, 0, stream_of(c)>>>(
              c.grad_output().as<T>(), c.input(2).as<T>(), c.output().as<T>(), lines);
      CATENA_LAUNCHED("softmax_gradient_rows");
    });
  });
}

void softmax(const op::Softmax& op, const KernelContext& c) { forward<false>(op.dim, c); }
void softmax_gradient(const op::Softmax& op, const KernelContext& c) { backward<false>(op.dim, c); }
void log_softmax(const op::LogSoftmax& op, const KernelContext& c) { forward<true>(op.dim, c); }
void log_softmax_gradient(const op::LogSoftmax& op, const KernelContext& c) {
  backward<true>(op.dim, c);
}

}  // namespace

KernelRow row_Softmax() {
  return {.forward = kernel<op::Softmax, softmax>(),
          .backward = kernel<op::Softmax, softmax_gradient>(),
          .dtypes = kFloatTypes};
}
KernelRow row_LogSoftmax() {
  return {.forward = kernel<op::LogSoftmax, log_softmax>(),
          .backward = kernel<op::LogSoftmax, log_softmax_gradient>(),
          .dtypes = kFloatTypes};
}

}  // namespace catena::gpu
