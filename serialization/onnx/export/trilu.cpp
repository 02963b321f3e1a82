#include "catena/ops/trilu.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Trilu& op) {
  const Value& x = e.in(0);
  if (e.opset() >= 14) {
    // Runtimes have it for these only.
    const bool direct = is_floating(x.dtype) || x.dtype == kInt64;
    const Value wide = direct ? x : e.cast(x, kInt64);
    const Value y = e.node("Trilu", {wide, e.scalar(e.size_of("diagonal"))}, wide.dtype, x.shape,
                           {{"upper", op.upper ? 1 : 0}});
    return e.result(e.cast(y, x.dtype));
  }
  // Before opset 14: where column - row is on the right side of the diagonal.
  const Value rows = e.unsqueeze(e.counting(x.size(x.rank() - 2)), 1);
  const Value columns = e.unsqueeze(e.counting(x.size(x.rank() - 1)), 0);
  const Value keep = e.compare(op.upper ? "GreaterOrEqual" : "LessOrEqual", e.sub(columns, rows),
                               e.scalar(e.size_of("diagonal")));
  e.result(e.where(keep, x, e.like(x, 0)));
}

}  // namespace catena::onnx_export
