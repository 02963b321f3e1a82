// For one source per pointwise stem: it says `#define CATENA_STEM_<stem> ~,` and `#define
// CATENA_ISA cuda` and includes its formulas, then this, which makes the rows of the ops of that
// stem.
#pragma once

#include "catena/backends/cuda/map.cuh"
#include "catena/backends/cuda/pointwise.hpp"
#include "catena/backends/cuda/row.hpp"
#include "catena/ops/formula.hpp"
#include "catena/ops/pointwise_stem.hpp"

namespace catena::gpu {
namespace {

using formula::cuda::Formula;

template <class Op>
struct Value {
  Op op;
  template <class... T>
  __device__ __forceinline__ auto operator()(const T&... x) const {
    return Formula<Op>::value(op, x...);
  }
};

// Calls f(T{}) for the compute dtypes of Op only.
template <class Op, class F>
void visit_dtypes_of(DType dtype, const F& f) {
  if constexpr (Op::kPointwise.dtypes.bits() == kFloatTypes.bits()) {
    visit_float(dtype, f);
  } else {
    visit_compute(dtype, [&](auto zero) {
      if constexpr (Op::kPointwise.dtypes.contains(dtype_of<decltype(zero)>())) f(zero);
    });
  }
}

template <class Op>
void forward(const Op& op, const KernelContext& c) {
  const int device = c.device.index;
  const cudaStream_t stream = stream_of(c);
  visit_dtypes_of<Op>(c.input(Op::kPointwise.inputs - 1).dtype, [&](auto zero) {
    using T = decltype(zero);
    constexpr int n = Op::kPointwise.inputs;
    using R = std::conditional_t<Op::kPointwise.bool_result, bool, T>;
    const Value<Op> f{op};
    if constexpr (n == 1)
      map<R, T>(f, {&c.output(), &c.input(0)}, device, stream);
    else if constexpr (n == 2)
      map<R, T, T>(f, {&c.output(), &c.input(0), &c.input(1)}, device, stream);
    else
      map<R, std::conditional_t<Op::kPointwise.first_promoted == 1, bool, T>, T, T>(
          f, {&c.output(), &c.input(0), &c.input(1), &c.input(2)}, device, stream);
  });
}

template <class Op>
KernelRow row() {
  KernelRow r{.forward = kernel<Op, forward<Op>>(),
              .dtypes = Op::kPointwise.dtypes,
              .strided_inputs = true};
  if constexpr (!Op::kPointwise.bool_result) r.backward = pointwise_gradient<Op>();
  return r;
}

}  // namespace

#define CATENA_ROW(Struct) \
  KernelRow row_##Struct() { return row<op::Struct>(); }
#define CATENA_OP(Struct, name, stem)
#define CATENA_POINTWISE_OP(Struct, name, stem) CATENA_OF_STEM(stem, CATENA_ROW)(Struct)
#include "catena/ops/ops.def"
#undef CATENA_OP
#undef CATENA_ROW

}  // namespace catena::gpu
