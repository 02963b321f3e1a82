#include "catena/ops/cast.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Cast& op) {
  e.result(e.node("Cast", {e.in(0)}, op.dtype, e.in(0).shape, {{"to", code_of(op.dtype)}}));
}
void export_op(Emitter& e, const op::Clone&) { e.pass(e.in(0)); }

}  // namespace catena::onnx_export
