#include "catena/ops/scan.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::CumSum& op) {
  const Value& in = e.in(0);
  const Value x = is_floating(in.dtype) ? in : e.cast(in, kInt64);
  const double dim = static_cast<double>(Emitter::resolved(op.dim, x.rank()));
  e.result(e.node("CumSum", {x, e.number(dim, kInt64)}, x.dtype, x.shape,
                  {{"reverse", op.reverse ? 1 : 0}}));
}

}  // namespace catena::onnx_export
