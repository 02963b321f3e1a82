// The kernel rows of all built-in ops for one instruction set, made from ops.def. A missing row is
// an undefined reference to row_<Op>.
#include "catena/backends/cpu/kernel_table.hpp"

#include "catena/ops/all.hpp"

namespace catena::cpu::CATENA_ISA {

#define CATENA_OP(Struct, name, stem) KernelRow row_##Struct();
#include "catena/ops/ops.def"
#undef CATENA_OP

namespace {
template <class Op>
consteval bool has_kernel() {
  if constexpr (requires { Op::kKind; })
    return Op::kKind == OpKind::kKernel || Op::kKind == OpKind::kPointwise;
  else
    return true;
}
template <class Op, KernelRow (*Row)()>
void fill(KernelRow* row) {
  if constexpr (has_kernel<Op>()) *row = Row();
}
}  // namespace

void fill_rows(KernelRow* rows) {
  int i = 0;
#define CATENA_OP(Struct, name, stem) fill<op::Struct, row_##Struct>(&rows[i++]);
#include "catena/ops/ops.def"
#undef CATENA_OP
}

}  // namespace catena::cpu::CATENA_ISA
