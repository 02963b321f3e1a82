// CPU kernels of var, stddev and logsumexp: reductions along lines, the reduced dimensions brought
// last.
#include "catena/ops/statistics.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/reduce.hpp"
#include "catena/backends/cpu/row_math.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Number, mean and sum of squared deviations of some entries.
struct Moments {
  double count, mean, squares;
};

template <class T>
struct MomentsOf {
  using In = T;
  using Acc = Moments;
  static constexpr std::int64_t kRun = 4096;
  static constexpr Acc kIdentity{0, 0, 0};
  static CATENA_INLINE Acc combine(const Acc& a, const Acc& b) {
    if (a.count == 0) return b;
    if (b.count == 0) return a;
    const double n = a.count + b.count, d = b.mean - a.mean;
    return {n, a.mean + d * (b.count / n), a.squares + b.squares + d * d * (a.count * b.count / n)};
  }
  // The first pass finds the mean, the second deviations from it; what rounding left of their sum
  // corrects both.
  static CATENA_INLINE Acc line(const T* p, std::int64_t n) {
    using B = Batch<T>;
    const double count = static_cast<double>(n);
    const T centre = static_cast<T>(
        sum_terms<T>(n, [&](std::int64_t i, std::int64_t lanes) { return load(p + i, lanes); }) /
        count);
    const B c(centre);
    const double rest = sum_terms<T>(
        n, [&](std::int64_t i, std::int64_t lanes) { return load(p + i, lanes, centre) - c; });
    const double squares = sum_terms<T>(n, [&](std::int64_t i, std::int64_t lanes) {
      const B d = load(p + i, lanes, centre) - c;
      return d * d;
    });
    const double off = rest / count;
    return {count, static_cast<double>(centre) + off, squares - rest * off};
  }
};

// The sum of e^(x - shift), and shift, which is finite.
struct ScaledSum {
  double shift, sum;
};

template <class T>
struct ExponentialsOf {
  using In = T;
  using Acc = ScaledSum;
  static constexpr std::int64_t kRun = 4096;
  static constexpr Acc kIdentity{0, 0};
  static CATENA_INLINE bool finite(double v) { return v - v == 0; }
  static CATENA_INLINE Acc combine(const Acc& a, const Acc& b) {
    if (a.sum == 0) return b;
    if (b.sum == 0) return a;
    if (!finite(a.sum) || !finite(b.sum)) return {a.shift, a.sum + b.sum};
    const double shift = max_of(a.shift, b.shift);
    return {shift, a.sum * __builtin_exp(a.shift - shift) + b.sum * __builtin_exp(b.shift - shift)};
  }
  static CATENA_INLINE Acc line(const T* p, std::int64_t n) {
    const T largest = row_max(p, n);
    const T shift = finite(static_cast<double>(largest)) ? largest : T(0);
    return {static_cast<double>(shift), row_exp_sum(p, n, shift)};
  }
};

// out = finish(reduction along dims).
template <class R, class Out, class Finish>
void reduce_behind(const TensorView& x, const Shape& dims, Out* out, std::int64_t out_count,
                   const Finish& finish) {
  if (x.numel == 0) {
    for (std::int64_t i = 0; i < out_count; ++i) out[i] = finish(R::kIdentity);
    return;
  }
  const int rank = x.shape.rank();
  bool reduced[kMaxRank];
  for (int d = 0; d < rank; ++d) reduced[d] = dims.rank() == 0;
  for (int k = 0; k < dims.rank(); ++k) {
    const std::int64_t d = dims.data()[k];
    reduced[d < 0 ? d + rank : d] = true;
  }
  TensorView view = x;
  int at = 0;
  for (const bool want : {false, true}) {
    for (int d = 0; d < rank; ++d) {
      if (reduced[d] != want) continue;
      if (d != at) view.contiguous = false;
      view.shape.begin()[at] = x.shape.data()[d];
      view.strides.begin()[at++] = x.strides.data()[d];
    }
  }
  Plan plan;
  plan.line = x.numel / out_count;
  plan.outputs = plan.kept[0] = out_count;
  plan.kept_step[0] = plan.line;
  plan.kept_rank = 1;
  reduce_lines<R>(Reader<typename R::In>{view}, plan, out, finish);
}

template <class Op, bool kRoot>
void variance_forward(const void* op, const KernelContext& context) {
  const Op& attrs = *static_cast<const Op*>(op);
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    reduce_behind<MomentsOf<T>>(
        x, attrs.dims, static_cast<T*>(y.data), y.numel, [&](const Moments& m) {
          const double v = m.squares / max_of(0.0, m.count - attrs.correction);
          return static_cast<T>(kRoot ? __builtin_sqrt(v) : v);
        });
  });
}

void logsumexp_forward(const void* op, const KernelContext& context) {
  const Shape& dims = static_cast<const op::LogSumExp*>(op)->dims;
  const TensorView &x = context.inputs[0], &y = context.outputs[0];
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    reduce_behind<ExponentialsOf<T>>(
        x, dims, static_cast<T*>(y.data), y.numel,
        [](const ScaledSum& s) { return static_cast<T>(s.shift + __builtin_log(s.sum)); });
  });
}

KernelRow row(KernelFn forward) {
  return {.forward = forward, .dtypes = kFloatTypes, .strided_inputs = true};
}

}  // namespace

KernelRow row_Var() { return row(variance_forward<op::Var, false>); }
KernelRow row_Stddev() { return row(variance_forward<op::Stddev, true>); }
KernelRow row_LogSumExp() { return row(logsumexp_forward); }

}  // namespace catena::cpu::CATENA_ISA
