// Cross-entropy with class indices or probabilities as targets, and its gradient.
#include "catena/ops/loss.hpp"

#include "catena/backends/cuda/fault.cuh"
#include "catena/backends/cuda/reduce.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

template <class Target>
inline constexpr bool kIndices = std::is_integral_v<Target>;

// loss[r] = sum_c target[r, c] (lse[r] - x[r, c]), or lse[r] - x[r, target[r]]; lse[r] is the log
// of the sum of exp(x[r, :]). A target out of range gives NaN and reports a fault.
template <int G, class T, class Target>
__global__ void __launch_bounds__(kThreads)
    cross_entropy_rows(const T* x, const Target* target, T* loss, T* lse, std::int64_t rows,
                       std::int64_t n, Fault* fault) {
  const RowOfThread<G> at;
  if (at.row >= rows) return;
  const T* row = x + at.row * n;
  T largest = -kInfinity<T>;
  for (std::int64_t j = at.lane; j < n; j += G) largest = Larger{}(largest, row[j]);
  largest = group_reduce<G>(largest, Larger{});
  T sum = 0;
  for (std::int64_t j = at.lane; j < n; j += G) sum += exp(row[j] - largest);
  sum = group_reduce<G>(sum, AddUp{});
  const T log_sum = log(sum);
  if (at.lane == 0) lse[at.row] = largest + log_sum;
  // Relative to the largest logit: no digits are lost when all of them are large.
  if constexpr (kIndices<Target>) {
    if (at.lane != 0) return;
    const auto t = static_cast<std::int64_t>(target[at.row]);
    const bool valid = t >= 0 && t < n;
    if (!valid) report(fault, FaultCode::kCrossEntropy, t, n);
    loss[at.row] = valid ? log_sum - (row[t] - largest) : kNaN<T>;
  } else {
    T weighted = 0;
    for (std::int64_t j = at.lane; j < n; j += G) {
      const T p = target[at.row * n + j];
      // A class of probability 0 adds nothing, also where its logit is -inf.
      if (p != T(0)) weighted += p * (log_sum - (row[j] - largest));
    }
    weighted = group_reduce<G>(weighted, AddUp{});
    if (at.lane == 0) loss[at.row] = weighted;
  }
}

// dx = g (softmax(x) sum(target) - target); dtarget = g (lse - x). `g` is one number per row or,
// with stride 0, one for all; `scale` is 1 / rows for the mean.
template <int G, class T, class Target>
__global__ void __launch_bounds__(kThreads)
    cross_entropy_gradient_rows(const T* g, int g_stride, T scale, const T* x, const Target* target,
                                const T* lse, T* dx, Target* dtarget, std::int64_t rows,
                                std::int64_t n) {
  const RowOfThread<G> at;
  if (at.row >= rows) return;
  const std::int64_t base = at.row * n;
  const T weight = g[at.row * g_stride] * scale;
  const T log_sum = lse[at.row];
  if constexpr (kIndices<Target>) {
    const auto t = static_cast<std::int64_t>(target[at.row]);
    for (std::int64_t j = at.lane; j < n; j += G)
      dx[base + j] = weight * (exp(x[base + j] - log_sum) - (j == t ? T(1) : T(0)));
  } else {
    T total = 0;
    for (std::int64_t j = at.lane; j < n; j += G) total += target[base + j];
    total = group_reduce<G>(total, AddUp{});
    for (std::int64_t j = at.lane; j < n; j += G) {
      const T value = x[base + j];
      if (dx) dx[base + j] = weight * (exp(value - log_sum) * total - target[base + j]);
      if (dtarget) dtarget[base + j] = weight * (log_sum - value);
    }
  }
}

// Calls f with the type of the targets: an integer, or T for probabilities.
template <class T, class F>
void visit_target(DType dtype, const F& f) {
  switch (dtype) {
    case kInt32:
      return f(std::int32_t{});
    case kInt64:
      return f(std::int64_t{});
    default:
      return f(T{});
  }
}

// The op's shape rule has checked the name; the core's own function is not linked here.
Reduction reduction_named(const std::string& name) {
  if (name == "mean") return Reduction::kMean;
  return name == "sum" ? Reduction::kSum : Reduction::kNone;
}

void cross_entropy(const op::CrossEntropy& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  const TensorView& target = c.input(1);
  const std::int64_t rows = x.shape[0], n = x.shape[1];
  const int device = c.device.index;
  const cudaStream_t stream = stream_of(c);
  const Reduction reduction = reduction_named(op.reduction);
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    std::unique_ptr<Scratch> held;
    T* loss = c.output(0).as<T>();
    if (reduction != Reduction::kNone) {
      held = std::make_unique<Scratch>(static_cast<std::size_t>(rows) * sizeof(T), device);
      loss = static_cast<T*>(held->data());
    }
    if (rows > 0) {
      visit_target<T>(target.dtype, [&](auto target_zero) {
        using Target = decltype(target_zero);
        with_group(n, 1, [&](auto group) {
          constexpr int G = decltype(group)::value;
          cross_entropy_rows<G><<<blocks_for_rows(rows, G), kThreads, 0, stream>>>(
              x.as<T>(), target.as<Target>(), loss, c.output(1).as<T>(), rows, n, fault_of(device));
          CATENA_LAUNCHED("cross_entropy_rows");
        });
      });
    }
    if (reduction == Reduction::kMean)
      reduce(MeanOf<T>(rows), loss, c.output(0).data, 1, rows, 1, device, stream);
    else if (reduction == Reduction::kSum)
      reduce(SumOf<T>{}, loss, c.output(0).data, 1, rows, 1, device, stream);
  });
}

// Inputs: gradient of the loss, of the log-sums (none), logits, target, loss (unused), log-sums.
void cross_entropy_gradient(const op::CrossEntropy& op, const KernelContext& c) {
  const TensorView& g = c.input(0);
  const TensorView& x = c.input(2);
  const TensorView& target = c.input(3);
  const TensorView& lse = c.input(5);
  const std::int64_t rows = x.shape[0], n = x.shape[1];
  if (rows * n == 0) return;
  const Reduction reduction = reduction_named(op.reduction);
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T scale = reduction == Reduction::kMean ? T(1) / static_cast<T>(rows) : T(1);
    const int g_stride = reduction == Reduction::kNone ? 1 : 0;
    visit_target<T>(target.dtype, [&](auto target_zero) {
      using Target = decltype(target_zero);
      with_group(n, 1, [&](auto group) {
        constexpr int G = decltype(group)::value;
        cross_entropy_gradient_rows<G><<<blocks_for_rows(rows, G), kThreads, 0, stream_of(c)>>>(
            g.as<T>(), g_stride, scale, x.as<T>(), target.as<Target>(), lse.as<T>(),
            c.output(0).as<T>(), c.output(1).as<Target>(), rows, n);
        CATENA_LAUNCHED("cross_entropy_gradient_rows");
      });
    });
  });
}

}  // namespace

KernelRow row_CrossEntropy() {
  return {.forward = kernel<op::CrossEntropy, cross_entropy>(),
          .backward = kernel<op::CrossEntropy, cross_entropy_gradient>(),
          .dtypes = kFloatTypes};
}

}  // namespace catena::gpu
