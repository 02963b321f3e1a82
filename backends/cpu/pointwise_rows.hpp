// For one kernel source per pointwise stem: it says `#define CATENA_STEM_<stem> ~,` and includes
// its formulas, then this, which makes the rows of the ops of that stem.
#pragma once

#include "catena/backends/cpu/pointwise.hpp"
#include "catena/backends/cpu/pointwise_loops.hpp"
#include "catena/ops/pointwise_stem.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

template <class Op>
constexpr PointwiseLoops kLoops = make_loops<Op>();

template <class Op>
void forward(const void* op, const KernelContext& c) {
  const DType compute = c.input(Op::kPointwise.first_promoted).dtype;
  run_lines(kLoops<Op>.value[static_cast<int>(compute)], op, c.output(), c.inputs, c.num_inputs);
}

template <class Op>
void backward(const void* op, const KernelContext& c) {
  for (int i = 0; i < c.num_outputs; ++i) {
    if (!c.outputs[i].data) continue;
    const PointwiseFn line = kLoops<Op>.grad[i][static_cast<int>(c.outputs[i].dtype)];
    run_lines(line, op, c.outputs[i], c.inputs, c.num_inputs);
  }
}

template <class Op>
KernelRow row() {
  KernelRow r;
  r.forward = &forward<Op>;
  if constexpr (!Op::kPointwise.bool_result) r.backward = &backward<Op>;
  r.loops = &kLoops<Op>;
  r.dtypes = Op::kPointwise.dtypes;
  r.strided_inputs = true;
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

}  // namespace catena::cpu::CATENA_ISA
