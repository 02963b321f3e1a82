#include "catena/ops/softmax.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Softmax& op) {
  e.result(e.unary("Softmax", e.in(0), {{"axis", Emitter::resolved(op.dim, e.in(0).rank())}}));
}
void export_op(Emitter& e, const op::LogSoftmax& op) {
  e.result(e.unary("LogSoftmax", e.in(0), {{"axis", Emitter::resolved(op.dim, e.in(0).rank())}}));
}

}  // namespace catena::onnx_export
