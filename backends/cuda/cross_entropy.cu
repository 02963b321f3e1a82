// cross_entropy with class indices or probabilities as targets, nll_loss, and their gradients.
#include "catena/ops/cross_entropy.hpp"

#include "catena/backends/cuda/fault.cuh"
#include "catena/backends/cuda/reduce.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {
namespace {

template <class Target>
inline constexpr bool kIndices = std::is_integral_v<Target>;

// What the rows' losses are made of beside the scores.
template <class T, class Target>
struct Classes {
  const Target* target;
  const T* weight;  // null: ones
  std::int64_t n;   // classes
  std::int64_t ignore_index;
  T kept, even;  // label smoothing: the part that stays, and what each class gets of the rest

  __device__ bool ignored(std::int64_t row) const {
    if constexpr (kIndices<Target>)
      return static_cast<std::int64_t>(target[row]) == ignore_index;
    else
      return false;
  }
  __device__ bool valid(std::int64_t row) const {
    const auto c = static_cast<std::int64_t>(target[row]);
    return c >= 0 && c < n;
  }
  __device__ T weight_of(std::int64_t c) const { return weight ? weight[c] : T(1); }
  // The part of class c in the row's loss, without its weight.
  __device__ T part(std::int64_t row, std::int64_t c) const {
    if constexpr (kIndices<Target>)
      return (static_cast<std::int64_t>(target[row]) == c ? kept : T(0)) + even;
    else
      return target[row * n + c] * kept + even;
  }
  // What the row adds to the divisor of the mean.
  __device__ T counted(std::int64_t row) const {
    if constexpr (kIndices<Target>) {
      if (ignored(row) || !valid(row)) return T(0);
      return weight_of(static_cast<std::int64_t>(target[row]));
    } else {
      return T(1);
    }
  }
};

// Of a row the largest logit m and s = log sum e^(x - m); m + s would lose digits.
template <class T>
struct RowScale {
  T largest, log_sum;
  // -log of the probability of logit x.
  __device__ T loss_of(T x) const { return log_sum - (x - largest); }
};

// loss[r] = sum_c w_c q_c l_c with l_c = scales[r].loss_of(x[r, c]). A target out of range gives
// NaN and reports a fault.
template <int G, class T, class Target>
__global__ void __launch_bounds__(kThreads)
    cross_entropy_rows(const T* x, Classes<T, Target> classes, T* loss, RowScale<T>* scales,
                       std::int64_t rows, Fault* fault) {
  const RowOfThread<G> at;
  if (at.row >= rows) return;
  const std::int64_t n = classes.n;
  const T* row = x + at.row * n;
  T largest = -kInfinity<T>;
  for (std::int64_t j = at.lane; j < n; j += G) largest = Larger{}(largest, row[j]);
  largest = group_reduce<G>(largest, Larger{});
  T sum = 0;
  for (std::int64_t j = at.lane; j < n; j += G) sum += exp(row[j] - largest);
  sum = group_reduce<G>(sum, AddUp{});
  const RowScale<T> scale{largest, log(sum)};
  if (at.lane == 0) scales[at.row] = scale;
  if constexpr (kIndices<Target>) {
    const auto t = static_cast<std::int64_t>(classes.target[at.row]);
    const bool ignored = classes.ignored(at.row), valid = classes.valid(at.row);
    if (ignored || !valid || classes.even == T(0)) {
      if (at.lane != 0) return;
      if (ignored) {
        loss[at.row] = T(0);
      } else if (!valid) {
        report(fault, FaultCode::kCrossEntropy, t, n);
        loss[at.row] = kNaN<T>;
      } else {
        loss[at.row] = classes.kept * classes.weight_of(t) * scale.loss_of(row[t]);
      }
      return;
    }
  }
  T weighted = 0;
  for (std::int64_t j = at.lane; j < n; j += G) {
    const T p = classes.part(at.row, j) * classes.weight_of(j);
    // A class of probability 0 adds nothing, also where its logit is -inf.
    if (p != T(0)) weighted += p * scale.loss_of(row[j]);
  }
  weighted = group_reduce<G>(weighted, AddUp{});
  if (at.lane == 0) loss[at.row] = weighted;
}

template <class T, class Target>
__global__ void __launch_bounds__(kThreads)
    nll_rows(const T* x, Classes<T, Target> classes, T* loss, std::int64_t rows, Fault* fault) {
  const RowOfThread<1> at;
  if (at.row >= rows) return;
  const auto t = static_cast<std::int64_t>(classes.target[at.row]);
  if (classes.ignored(at.row)) {
    loss[at.row] = T(0);
  } else if (!classes.valid(at.row)) {
    report(fault, FaultCode::kNllLoss, t, classes.n);
    loss[at.row] = kNaN<T>;
  } else {
    loss[at.row] = -classes.weight_of(t) * x[at.row * classes.n + t];
  }
}

template <class T, class Target>
__global__ void __launch_bounds__(kThreads)
    counted_rows(Classes<T, Target> classes, T* counted, std::int64_t rows) {
  const RowOfThread<1> at;
  if (at.row < rows) counted[at.row] = classes.counted(at.row);
}

template <class T>
__global__ void divide(T* value, const T* by) {
  *value /= *by;
}

// The gradient of a row's loss: one number per row or, with stride 0, one for all, divided by
// `divisor` for the mean.
template <class T>
struct LossGradient {
  const T* g;
  int stride;
  const T* divisor;
  __device__ T of(std::int64_t row) const { return divisor ? g[0] / *divisor : g[row * stride]; }
};

// dx = g (softmax(x) sum(w q) - w q); dtarget = g w l.
template <int G, class T, class Target>
__global__ void __launch_bounds__(kThreads)
    cross_entropy_gradient_rows(LossGradient<T> g, const T* x, Classes<T, Target> classes,
                                const RowScale<T>* scales, T* dx, Target* dtarget,
                                std::int64_t rows) {
  const RowOfThread<G> at;
  if (at.row >= rows) return;
  const std::int64_t n = classes.n, base = at.row * n;
  if (classes.ignored(at.row)) {
    for (std::int64_t j = at.lane; j < n; j += G) dx[base + j] = T(0);
    return;
  }
  const T scale = g.of(at.row);
  const RowScale<T> row = scales[at.row];
  T total = 0;
  for (std::int64_t j = at.lane; j < n; j += G)
    total += classes.part(at.row, j) * classes.weight_of(j);
  total = group_reduce<G>(total, AddUp{});
  for (std::int64_t j = at.lane; j < n; j += G) {
    const T l = row.loss_of(x[base + j]), w = classes.weight_of(j);
    if (dx) dx[base + j] = scale * (exp(-l) * total - classes.part(at.row, j) * w);
    if constexpr (!kIndices<Target>)
      if (dtarget) dtarget[base + j] = scale * classes.kept * w * l;
  }
}

template <class T, class Target>
__global__ void __launch_bounds__(kThreads)
    nll_gradient(LossGradient<T> g, Classes<T, Target> classes, T* dx, std::int64_t rows) {
  const std::int64_t i = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (i >= rows * classes.n) return;
  const std::int64_t r = i / classes.n, c = i % classes.n;
  const bool hit = !classes.ignored(r) && static_cast<std::int64_t>(classes.target[r]) == c;
  dx[i] = hit ? -classes.weight_of(c) * g.of(r) : T(0);
}

// dw_c = sum_n g q_c l_c, without scales l = -x. The mean over indices also divides by the weights
// of the targets: less g times the mean loss for each target c. A thread takes a class.
template <class T, class Target>
__global__ void __launch_bounds__(kThreads)
    weight_gradient(LossGradient<T> g, const T* x, Classes<T, Target> classes,
                    const RowScale<T>* scales, const T* mean_loss, T* d_weight, std::int64_t rows) {
  const std::int64_t c = std::int64_t{blockIdx.x} * kThreads + threadIdx.x;
  if (c >= classes.n) return;
  T total = 0;
  for (std::int64_t r = 0; r < rows; ++r) {
    if (classes.ignored(r)) continue;
    const T q = classes.part(r, c);
    const T value = x[r * classes.n + c];
    if (q != T(0)) total += g.of(r) * q * (scales ? scales[r].loss_of(value) : -value);
    if constexpr (kIndices<Target>)
      if (mean_loss && static_cast<std::int64_t>(classes.target[r]) == c)
        total -= g.of(r) * *mean_loss;
  }
  d_weight[c] = total;
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
template <class F>
void visit_indices(DType dtype, const F& f) {
  if (dtype == kInt32)
    f(std::int32_t{});
  else
    f(std::int64_t{});
}

// The op's shape rule has checked the name; the core's own function is not linked here.
Reduction reduction_named(const std::string& name) {
  if (name == "mean") return Reduction::kMean;
  return name == "sum" ? Reduction::kSum : Reduction::kNone;
}

template <class T>
std::unique_ptr<Scratch> scratch_of(std::int64_t count, int device) {
  return std::make_unique<Scratch>(static_cast<std::size_t>(count) * sizeof(T), device);
}

template <class T, class Target>
Classes<T, Target> classes_of(const op::CrossEntropy& op, const TensorView& target, const T* weight,
                              std::int64_t n) {
  return {target.as<Target>(),
          weight,
          n,
          op.ignore_index,
          static_cast<T>(1 - op.label_smoothing),
          static_cast<T>(op.label_smoothing / static_cast<double>(n))};
}
template <class T, class Target>
Classes<T, Target> classes_of(const op::NllLoss& op, const TensorView& target, const T* weight,
                              std::int64_t n) {
  return {target.as<Target>(), weight, n, op.ignore_index, T(1), T(0)};
}

// *out = the sum over the rows of what they count.
template <class T, class Target>
void sum_counted(const Classes<T, Target>& classes, T* out, std::int64_t rows,
                 const KernelContext& c) {
  const auto counted = scratch_of<T>(rows, c.device.index);
  if (rows > 0) {
    counted_rows<<<blocks_for_rows(rows, 1), kThreads, 0, stream_of(c)>>>(
        classes, static_cast<T*>(counted->data()), rows);
    CATENA_LAUNCHED("counted_rows");
  }
  reduce(SumOf<T>{}, counted->data(), out, 1, rows, 1, c.device.index, stream_of(c));
}

// Runs rows_kernel(classes, losses) and reduces the losses to output 0.
template <class T, class Target, class RowsKernel>
void reduced_losses(const Classes<T, Target>& classes, Reduction reduction, std::int64_t rows,
                    const KernelContext& c, const RowsKernel& rows_kernel) {
  const int device = c.device.index;
  T* out = c.output(0).as<T>();
  std::unique_ptr<Scratch> held;
  T* losses = out;
  if (reduction != Reduction::kNone) {
    held = scratch_of<T>(rows, device);
    losses = static_cast<T*>(held->data());
  }
  if (rows > 0) rows_kernel(losses);
  if (reduction == Reduction::kNone) return;
  reduce(SumOf<T>{}, losses, out, 1, rows, 1, device, stream_of(c));
  if (reduction == Reduction::kSum) return;
  const auto divisor = scratch_of<T>(1, device);
  sum_counted(classes, static_cast<T*>(divisor->data()), rows, c);
  divide<<<1, 1, 0, stream_of(c)>>>(out, static_cast<const T*>(divisor->data()));
  CATENA_LAUNCHED("divide");
}

// The gradient of the rows' losses; `held` keeps the divisor.
template <class T, class Target>
LossGradient<T> loss_gradient(const Classes<T, Target>& classes, Reduction reduction,
                              std::int64_t rows, const KernelContext& c,
                              std::unique_ptr<Scratch>& held) {
  LossGradient<T> g{c.input(0).as<T>(), reduction == Reduction::kNone ? 1 : 0, nullptr};
  if (reduction != Reduction::kMean) return g;
  held = scratch_of<T>(1, c.device.index);
  sum_counted(classes, static_cast<T*>(held->data()), rows, c);
  g.divisor = static_cast<const T*>(held->data());
  return g;
}

void cross_entropy(const op::CrossEntropy& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  const TensorView& target = c.input(1);
  const std::int64_t rows = x.shape[0], n = x.shape[1];
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* weight = c.num_inputs > 2 ? c.input(2).as<T>() : nullptr;
    visit_target<T>(target.dtype, [&](auto target_zero) {
      using Target = decltype(target_zero);
      const auto classes = classes_of<T, Target>(op, target, weight, n);
      reduced_losses(classes, reduction_named(op.reduction), rows, c, [&](T* losses) {
        with_group(n, 1, [&](auto group) {
          constexpr int G = decltype(group)::value;
          cross_entropy_rows<G><<<blocks_for_rows(rows, G), kThreads, 0, stream_of(c)>>>(
              x.as<T>(), classes, losses, c.output(1).as<RowScale<T>>(), rows,
              fault_of(c.device.index));
          CATENA_LAUNCHED("cross_entropy_rows");
        });
      });
    });
  });
}

// Inputs: gradient of the loss, of output 1 (none), logits, target and weight as they were given,
// loss, output 1.
void cross_entropy_gradient(const op::CrossEntropy& op, const KernelContext& c) {
  const int given = c.num_outputs;
  const TensorView& x = c.input(2);
  const TensorView& target = c.input(3);
  const TensorView &loss = c.input(2 + given), &scales = c.input(3 + given);
  const std::int64_t rows = x.shape[0], n = x.shape[1];
  const Reduction reduction = reduction_named(op.reduction);
  const cudaStream_t stream = stream_of(c);
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* weight = given > 2 ? c.input(4).as<T>() : nullptr;
    T* dx = c.output(0).as<T>();
    T* d_weight = given > 2 ? c.output(2).as<T>() : nullptr;
    visit_target<T>(target.dtype, [&](auto target_zero) {
      using Target = decltype(target_zero);
      Target* d_target = c.output(1).as<Target>();
      const auto classes = classes_of<T, Target>(op, target, weight, n);
      std::unique_ptr<Scratch> held;
      const LossGradient<T> g = loss_gradient(classes, reduction, rows, c, held);
      if (rows > 0 && (dx || d_target)) {
        with_group(n, 1, [&](auto group) {
          constexpr int G = decltype(group)::value;
          cross_entropy_gradient_rows<G><<<blocks_for_rows(rows, G), kThreads, 0, stream>>>(
              g, x.as<T>(), classes, scales.as<RowScale<T>>(), dx, d_target, rows);
          CATENA_LAUNCHED("cross_entropy_gradient_rows");
        });
      }
      if (!d_weight) return;
      const T* mean_loss = reduction == Reduction::kMean ? loss.as<T>() : nullptr;
      weight_gradient<<<blocks_for_rows(n, 1), kThreads, 0, stream>>>(
          g, x.as<T>(), classes, scales.as<RowScale<T>>(), mean_loss, d_weight, rows);
      CATENA_LAUNCHED("weight_gradient");
    });
  });
}

void nll_loss(const op::NllLoss& op, const KernelContext& c) {
  const TensorView& x = c.input(0);
  const std::int64_t rows = x.shape[0];
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* weight = c.num_inputs > 2 ? c.input(2).as<T>() : nullptr;
    visit_indices(c.input(1).dtype, [&](auto target_zero) {
      const auto classes = classes_of<T, decltype(target_zero)>(op, c.input(1), weight, x.shape[1]);
      reduced_losses(classes, reduction_named(op.reduction), rows, c, [&](T* losses) {
        nll_rows<<<blocks_for_rows(rows, 1), kThreads, 0, stream_of(c)>>>(
            x.as<T>(), classes, losses, rows, fault_of(c.device.index));
        CATENA_LAUNCHED("nll_rows");
      });
    });
  });
}

// Inputs: gradient, log-probabilities, target and weight as they were given, loss (not saved).
void nll_loss_gradient(const op::NllLoss& op, const KernelContext& c) {
  const int given = c.num_outputs;
  const TensorView &x = c.input(1), &target = c.input(2);
  const std::int64_t rows = x.shape[0], n = x.shape[1];
  const int device = c.device.index;
  const Reduction reduction = reduction_named(op.reduction);
  const cudaStream_t stream = stream_of(c);
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* weight = given > 2 ? c.input(3).as<T>() : nullptr;
    T* dx = c.output(0).as<T>();
    T* d_weight = given > 2 ? c.output(2).as<T>() : nullptr;
    visit_indices(target.dtype, [&](auto target_zero) {
      const auto classes = classes_of<T, decltype(target_zero)>(op, target, weight, n);
      std::unique_ptr<Scratch> held;
      const LossGradient<T> g = loss_gradient(classes, reduction, rows, c, held);
      if (dx && rows > 0) {
        nll_gradient<<<blocks_for_rows(rows * n, 1), kThreads, 0, stream>>>(g, classes, dx, rows);
        CATENA_LAUNCHED("nll_gradient");
      }
      if (!d_weight) return;
      std::unique_ptr<Scratch> mean_loss;
      if (reduction == Reduction::kMean) {
        // The loss is not saved: once more.
        const auto losses = scratch_of<T>(rows, device);
        mean_loss = scratch_of<T>(1, device);
        T* mean = static_cast<T*>(mean_loss->data());
        if (rows > 0) {
          nll_rows<<<blocks_for_rows(rows, 1), kThreads, 0, stream>>>(
              x.as<T>(), classes, static_cast<T*>(losses->data()), rows, fault_of(device));
          CATENA_LAUNCHED("nll_rows");
        }
        reduce(SumOf<T>{}, losses->data(), mean, 1, rows, 1, device, stream);
        divide<<<1, 1, 0, stream>>>(mean, g.divisor);
        CATENA_LAUNCHED("divide");
      }
      weight_gradient<<<blocks_for_rows(n, 1), kThreads, 0, stream>>>(
          g, x.as<T>(), classes, static_cast<const RowScale<T>*>(nullptr),
          mean_loss ? static_cast<const T*>(mean_loss->data()) : nullptr, d_weight, rows);
      CATENA_LAUNCHED("weight_gradient");
    });
  });
}

}  // namespace

KernelRow row_CrossEntropy() {
  return {.forward = kernel<op::CrossEntropy, cross_entropy>(),
          .backward = kernel<op::CrossEntropy, cross_entropy_gradient>(),
          .dtypes = kFloatTypes};
}
KernelRow row_NllLoss() {
  return {.forward = kernel<op::NllLoss, nll_loss>(),
          .backward = kernel<op::NllLoss, nll_loss_gradient>(),
          .dtypes = kFloatTypes};
}

}  // namespace catena::gpu
