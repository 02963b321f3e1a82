// var, stddev, logsumexp.
#include "catena/ops/statistics.hpp"

#include "catena/backends/cuda/reduce_runs.cuh"
#include "catena/backends/cuda/row.hpp"

namespace catena::gpu {

// Number, mean and sum of squared deviations of some entries.
template <class T>
struct Moments {
  T count, mean, squares;
};
// The sum of e^(x - shift), and shift, which is finite.
template <class T>
struct ScaledSum {
  T shift, sum;
};

template <class T>
__device__ __forceinline__ Moments<T> shuffle_down(const Moments<T>& v, int by) {
  return {shuffle_down(v.count, by), shuffle_down(v.mean, by), shuffle_down(v.squares, by)};
}
template <class T>
__device__ __forceinline__ Moments<T> from_first_lane(const Moments<T>& v) {
  return {from_first_lane(v.count), from_first_lane(v.mean), from_first_lane(v.squares)};
}
template <class T>
__device__ __forceinline__ ScaledSum<T> shuffle_down(const ScaledSum<T>& v, int by) {
  return {shuffle_down(v.shift, by), shuffle_down(v.sum, by)};
}
template <class T>
__device__ __forceinline__ ScaledSum<T> from_first_lane(const ScaledSum<T>& v) {
  return {from_first_lane(v.shift), from_first_lane(v.sum)};
}

namespace {

// What joins moments (Chan, Golub and LeVeque, 1979).
template <class T>
struct JoinMoments {
  using Acc = Moments<T>;
  __device__ Acc init() const { return {T(0), T(0), T(0)}; }
  __device__ Acc operator()(const Acc& a, const Acc& b) const {
    if (a.count == T(0)) return b;
    if (b.count == T(0)) return a;
    const T n = a.count + b.count, d = b.mean - a.mean;
    return {n, a.mean + d * (b.count / n), a.squares + b.squares + d * d * (a.count * b.count / n)};
  }
};
template <class T>
struct MomentsOf : JoinMoments<T> {
  using In = T;
  using Out = Moments<T>;
  __device__ Out load(In x, std::int64_t) const { return {T(1), x, T(0)}; }
  __device__ Out finish(const Out& a) const { return a; }
};
template <class T>
struct MomentsOfMoments : JoinMoments<T> {
  using In = Moments<T>;
  using Out = Moments<T>;
  __device__ Out load(const In& x, std::int64_t) const { return x; }
  __device__ Out finish(const Out& a) const { return a; }
};
// `From` (one of the above) with the variance, or its root, as the result.
template <class T, class From, bool kRoot>
struct VarianceFrom : From {
  using Out = T;
  T correction;
  explicit VarianceFrom(double c) : correction(static_cast<T>(c)) {}
  __device__ Out finish(const Moments<T>& m) const {
    const T left = m.count - correction;
    const T v = m.squares / (left > T(0) ? left : T(0));
    return kRoot ? sqrt(v) : v;
  }
};

template <class T>
struct ExponentialsOf {
  using In = T;
  using Acc = ScaledSum<T>;
  using Out = T;
  __device__ static bool finite(T v) { return v - v == T(0); }
  __device__ Acc init() const { return {T(0), T(0)}; }
  __device__ Acc load(In x, std::int64_t) const {
    return finite(x) ? Acc{x, T(1)} : Acc{T(0), exp(x)};
  }
  __device__ Acc operator()(const Acc& a, const Acc& b) const {
    if (a.sum == T(0)) return b;
    if (b.sum == T(0)) return a;
    if (!finite(a.sum) || !finite(b.sum)) return {a.shift, a.sum + b.sum};
    const T shift = a.shift > b.shift ? a.shift : b.shift;
    return {shift, a.sum * exp(a.shift - shift) + b.sum * exp(b.shift - shift)};
  }
  __device__ Out finish(const Acc& a) const { return a.shift + log(a.sum); }
};

template <class Op, bool kRoot>
void variance(const Op& op, const KernelContext& c) {
  visit_float(c.input(0).dtype, [&](auto zero) {
    using T = decltype(zero);
    const VarianceFrom<T, MomentsOfMoments<T>, kRoot> last(op.correction);
    const VarianceFrom<T, MomentsOf<T>, kRoot> only(op.correction);
    reduce_runs(Runs(c.input(0).shape, op.dims), MomentsOf<T>{}, MomentsOfMoments<T>{}, last, only,
                c);
  });
}

// A log-sum-exp of log-sum-exps is that of all entries.
void logsumexp(const op::LogSumExp& op, const KernelContext& c) {
  visit_float(c.input(0).dtype, [&](auto zero) {
    const ExponentialsOf<decltype(zero)> step;
    reduce_runs(Runs(c.input(0).shape, op.dims), step, step, step, step, c);
  });
}

}  // namespace

KernelRow row_Var() {
  return {.forward = kernel<op::Var, variance<op::Var, false>>(), .dtypes = kFloatTypes};
}
KernelRow row_Stddev() {
  return {.forward = kernel<op::Stddev, variance<op::Stddev, true>>(), .dtypes = kFloatTypes};
}
KernelRow row_LogSumExp() {
  return {.forward = kernel<op::LogSumExp, logsumexp>(), .dtypes = kFloatTypes};
}

}  // namespace catena::gpu
