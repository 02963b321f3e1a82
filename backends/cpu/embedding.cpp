#include "catena/ops/embedding.hpp"

#include "catena/backends/cpu/row_index.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

void embedding(const void*, const KernelContext& c) {
  const RowIndex p = describe(OpName<op::Embedding>::value, 0, -1, c);
  visit_index(c.inputs[1].dtype,
              [&]<class I>(I) { select(p, static_cast<const I*>(c.inputs[1].data), c); });
}

}  // namespace

KernelRow row_Embedding() { return {.forward = embedding, .dtypes = kAllTypes}; }

}  // namespace catena::cpu::CATENA_ISA
