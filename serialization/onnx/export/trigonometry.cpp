#include "catena/ops/trigonometry.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Sin&) { e.result(e.unary("Sin", e.operands()[0])); }
void export_op(Emitter& e, const op::Cos&) { e.result(e.unary("Cos", e.operands()[0])); }
void export_op(Emitter& e, const op::Tan&) { e.result(e.unary("Tan", e.operands()[0])); }
void export_op(Emitter& e, const op::Asin&) { e.result(e.unary("Asin", e.operands()[0])); }
void export_op(Emitter& e, const op::Acos&) { e.result(e.unary("Acos", e.operands()[0])); }
void export_op(Emitter& e, const op::Atan&) { e.result(e.unary("Atan", e.operands()[0])); }
void export_op(Emitter& e, const op::Sinh&) { e.result(e.unary("Sinh", e.operands()[0])); }
void export_op(Emitter& e, const op::Cosh&) { e.result(e.unary("Cosh", e.operands()[0])); }
void export_op(Emitter& e, const op::Asinh&) { e.result(e.unary("Asinh", e.operands()[0])); }
void export_op(Emitter& e, const op::Acosh&) { e.result(e.unary("Acosh", e.operands()[0])); }
void export_op(Emitter& e, const op::Atanh&) { e.result(e.unary("Atanh", e.operands()[0])); }

}  // namespace catena::onnx_export
