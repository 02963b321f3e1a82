#include "catena/ops/logic.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

Value as_float(Emitter& e) {
  const Value& x = e.in(0);
  return is_floating(x.dtype) ? x : e.cast(x, kFloat32);
}
Value test(Emitter& e, const char* type, const Value& x) {
  return e.node(type, {x}, kBool, x.shape);
}
void logic(Emitter& e, const char* type) {
  e.result(e.compare(type, e.cast(e.in(0), kBool), e.cast(e.in(1), kBool)));
}

}  // namespace

void export_op(Emitter& e, const op::Isnan&) { e.result(test(e, "IsNaN", as_float(e))); }
void export_op(Emitter& e, const op::Isinf&) { e.result(test(e, "IsInf", as_float(e))); }
void export_op(Emitter& e, const op::Isfinite&) {
  const Value x = as_float(e);
  e.result(e.unary("Not", e.compare("Or", test(e, "IsNaN", x), test(e, "IsInf", x))));
}
void export_op(Emitter& e, const op::LogicalAnd&) { logic(e, "And"); }
void export_op(Emitter& e, const op::LogicalOr&) { logic(e, "Or"); }
void export_op(Emitter& e, const op::LogicalNot&) {
  e.result(e.unary("Not", e.cast(e.in(0), kBool)));
}

}  // namespace catena::onnx_export
