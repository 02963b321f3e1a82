// For one source per pointwise stem: defines CATENA_STEM_<stem>, includes <stem>_formulas.hpp and
// then this, which makes pointwise_gradient<Op>() for the ops of the stem.
// Not a public header.
#pragma once

#include "catena/ops/formula.hpp"
#include "catena/ops/pointwise_gradients.hpp"
#include "catena/ops/pointwise_stem.hpp"

namespace catena::detail {
namespace {

using formula::CATENA_ISA::Formula;

// A value that kSaves names for the gradient of input `wanted`, else an undefined tensor.
template <class Op>
Tensor saved_input(VjpContext& c, int wanted, int i) {
  return Op::kSaves.mask_for(wanted) & Saves::input_bit(i) ? c.input(i) : Tensor();
}
template <class Op>
Tensor saved_output(VjpContext& c, int wanted) {
  return Op::kSaves.mask_for(wanted) & Saves::kOutput ? c.output() : Tensor();
}

template <class Op, int I>
void one_gradient(const Op& op, VjpContext& c) {
  if (!c.needs(I)) return;
  constexpr int n = Op::kPointwise.inputs;
  const Tensor g = c.grad(), y = saved_output<Op>(c, I);
  auto x = [&](int i) { return saved_input<Op>(c, I, i); };
  if constexpr (n == 1)
    c.accumulate(I, Formula<Op>::template grad<I>(op, g, x(0), y));
  else if constexpr (n == 2)
    c.accumulate(I, Formula<Op>::template grad<I>(op, g, x(0), x(1), y));
  else
    c.accumulate(I, Formula<Op>::template grad<I>(op, g, x(0), x(1), x(2), y));
}

template <class Op>
void all_gradients(const void* attrs, VjpContext& c) {
  const Op& op = *static_cast<const Op*>(attrs);
  if constexpr (Op::kPointwise.first_promoted == 0) one_gradient<Op, 0>(op, c);
  if constexpr (Op::kPointwise.inputs > 1) one_gradient<Op, 1>(op, c);
  if constexpr (Op::kPointwise.inputs > 2) one_gradient<Op, 2>(op, c);
}

}  // namespace

template <class Op>
VjpFn pointwise_gradient() {
  if constexpr (Op::kPointwise.bool_result)
    return nullptr;
  else
    return &all_gradients<Op>;
}

#define CATENA_INSTANTIATE(Struct) template VjpFn pointwise_gradient<op::Struct>();
#define CATENA_OP(Struct, name, stem)
#define CATENA_POINTWISE_OP(Struct, name, stem) CATENA_OF_STEM(stem, CATENA_INSTANTIATE)(Struct)
#include "catena/ops/ops.def"
#undef CATENA_OP
#undef CATENA_INSTANTIATE

}  // namespace catena::detail
