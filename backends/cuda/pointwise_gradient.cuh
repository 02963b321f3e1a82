// For one source per pointwise stem with derivatives, <stem>_gradient.cu, written like <stem>.cu:
// makes the gradients of its ops from the derivatives next to their formulas.
#pragma once

#include "catena/backends/cuda/map.cuh"
#include "catena/backends/cuda/pointwise.hpp"
#include "catena/backends/cuda/row.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/formula.hpp"
#include "catena/ops/pointwise_stem.hpp"

namespace catena::gpu {
namespace {

using formula::cuda::Formula;

template <class Op, int I>
struct Gradient {
  Op op;
  template <class... T>
  __device__ __forceinline__ auto operator()(const T&... x) const {
    return Formula<Op>::template grad<I>(op, x...);
  }
};

// Gradient of input I. The context's inputs are g, the op's inputs and its output; those that the
// op does not save for this gradient have null data and are not read by the formula.
template <class Op, int I>
void one_gradient(const Op& op, const KernelContext& c) {
  const TensorView& out = c.output(I);
  if (!out.data) return;
  constexpr int n = Op::kPointwise.inputs;
  const int device = c.device.index;
  const cudaStream_t stream = stream_of(c);
  visit_float(out.dtype, [&](auto zero) {
    using T = decltype(zero);
    const Gradient<Op, I> f{op};
    if constexpr (n == 1)
      map<T, T, T, T>(f, {&out, &c.input(0), &c.input(1), &c.input(2)}, device, stream);
    else if constexpr (n == 2)
      map<T, T, T, T, T>(f, {&out, &c.input(0), &c.input(1), &c.input(2), &c.input(3)}, device,
                         stream);
    else
      map<T, T, std::conditional_t<Op::kPointwise.first_promoted == 1, bool, T>, T, T, T>(
          f, {&out, &c.input(0), &c.input(1), &c.input(2), &c.input(3), &c.input(4)}, device,
          stream);
  });
}

template <class Op>
void all_gradients(const Op& op, const KernelContext& c) {
  constexpr PointwiseRule rule = Op::kPointwise;
  if constexpr (rule.first_promoted == 0) one_gradient<Op, 0>(op, c);
  if constexpr (rule.inputs > 1) one_gradient<Op, 1>(op, c);
  if constexpr (rule.inputs > 2) one_gradient<Op, 2>(op, c);
}

}  // namespace

// None where every gradient is g or -g: the engine then hands g on without a kernel, or calls neg.
template <class Op>
KernelFn pointwise_gradient() {
  constexpr bool is_sum =
      std::is_same_v<Op, op::Add> || std::is_same_v<Op, op::Sub> || std::is_same_v<Op, op::Neg>;
  if constexpr (Op::kPointwise.bool_result || is_sum)
    return nullptr;
  else
    return kernel<Op, all_gradients<Op>>();
}

#define CATENA_INSTANTIATE(Struct) template KernelFn pointwise_gradient<op::Struct>();
#define CATENA_OP(Struct, name, stem)
#define CATENA_POINTWISE_OP(Struct, name, stem) CATENA_OF_STEM(stem, CATENA_INSTANTIATE)(Struct)
#include "catena/ops/ops.def"
#undef CATENA_OP
#undef CATENA_INSTANTIATE

}  // namespace catena::gpu
