#include "catena/ops/linear_packed.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::LinearPacked& op) {
  const Value &x = e.in(0), &packed = e.in(1), &bias = e.in(2);
  // [panels, k, 48] to [k, panels 48], without what fills the last panel.
  const Value columns = e.reshape(e.transpose(packed, {1, 0, 2}),
                                  {packed.size(1), times(packed.size(0), kPackedRows)});
  const Value weight = e.slice(columns, 1, 0, op.out_features);
  Value y = e.node("MatMul", {x, weight}, x.dtype, e.out().shape);
  if (bias) y = e.add(y, bias);
  e.result(y);
}

}  // namespace catena::onnx_export
