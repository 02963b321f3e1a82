#include "catena/ops/group_norm.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::GroupNorm& op) {
  const Value& x = e.in(0);
  const SymbolicInt groups = op.num_groups;
  const SymbolicInt per_group = product(x.shape, 1, x.rank());
  // All of a group in one dimension.
  const Value rows = per_group.is_constant()
                         ? e.reshape(x, {x.size(0), groups, per_group.offset() / op.num_groups})
                         : e.node("Reshape", {x, e.ints({0, op.num_groups, -1})}, x.dtype,
                                  {x.size(0), groups, SymbolicInt::unknown()});
  Value y;
  if (x.dtype == kFloat32 && !e.used(1) && !e.used(2)) {
    y = e.node("InstanceNormalization",
               {rows, e.constant(ones({op.num_groups}, x.dtype)),
                e.constant(zeros({op.num_groups}, x.dtype))},
               x.dtype, rows.shape, {{"epsilon", op.eps}});
  } else {
    const Emitter::Normalized n = e.normalize(rows, {2}, op.eps);
    y = n.y;
    if (e.used(1)) e.result(e.reshape(n.mean, {x.size(0), groups}), 1);
    if (e.used(2)) e.result(e.reshape(n.var, {x.size(0), groups}), 2);
  }
  y = e.reshape_as(y, x);
  SymbolicShape column{x.size(1)};
  for (int d = 2; d < x.rank(); ++d) column.push_back(1);
  if (e.in(1)) y = e.mul(y, e.reshape(e.in(1), column));
  if (e.in(2)) y = e.add(y, e.reshape(e.in(2), column));
  e.result(y);
}

}  // namespace catena::onnx_export
