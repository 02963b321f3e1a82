#include "catena/ops/math.hpp"

#include <cmath>

#include "catena/serialization/onnx/export/emitter.hpp"
#include "catena/serialization/onnx/export/numbers.hpp"

namespace catena::onnx_export {
namespace {

// Whole numbers are rounded already.
void rounding(Emitter& e, const char* type) {
  const Value& x = e.in(0);
  e.result(e.unary(is_floating(x.dtype) ? type : "Identity", x));
}

// NaN and no bounds bind nothing.
bool binds(double bound) { return !std::isnan(bound) && !std::isinf(bound); }

}  // namespace

void export_op(Emitter& e, const op::Abs&) { e.result(arithmetic(e, "Abs")); }
void export_op(Emitter& e, const op::Sign&) { e.result(arithmetic(e, "Sign")); }
void export_op(Emitter& e, const op::Floor&) { rounding(e, "Floor"); }
void export_op(Emitter& e, const op::Ceil&) { rounding(e, "Ceil"); }
void export_op(Emitter& e, const op::Round&) { rounding(e, "Round"); }
void export_op(Emitter& e, const op::Trunc&) {
  const Value& x = e.in(0);
  if (!is_floating(x.dtype)) return e.result(e.unary("Identity", x));
  e.result(e.mul(e.unary("Sign", x), e.unary("Floor", e.unary("Abs", x))));
}
void export_op(Emitter& e, const op::Minimum&) { e.result(arithmetic(e, "Min")); }
void export_op(Emitter& e, const op::Maximum&) { e.result(arithmetic(e, "Max")); }
void export_op(Emitter& e, const op::Clamp& op) {
  const Value& x = e.in(0);
  Value y = widened(e, x);
  // Whole numbers and their bounds are exact in Min and Max, of which Clip is made.
  const Value low = binds(op.min) ? e.like(y, op.min) : Value{},
              high = binds(op.max) ? e.like(y, op.max) : Value{};
  e.result(narrow(e, e.node("Clip", {y, low, high}, y.dtype, y.shape), x.dtype));
}
void export_op(Emitter& e, const op::Reciprocal&) {
  e.result(e.unary("Reciprocal", e.operands()[0]));
}
void export_op(Emitter& e, const op::Rsqrt&) {
  e.result(e.unary("Reciprocal", e.unary("Sqrt", e.operands()[0])));
}
void export_op(Emitter& e, const op::Expm1&) {
  const Value y = e.unary("Exp", e.operands()[0]);
  e.result(e.sub(y, e.like(y, 1)));
}
void export_op(Emitter& e, const op::Log1p&) {
  const Value x = e.operands()[0];
  e.result(e.unary("Log", e.add(x, e.like(x, 1))));
}
void export_op(Emitter& e, const op::Erf&) { e.result(e.unary("Erf", e.operands()[0])); }
void export_op(Emitter& e, const op::Erfc&) {
  const Value y = e.unary("Erf", e.operands()[0]);
  e.result(e.sub(e.like(y, 1), y));
}
void export_op(Emitter& e, const op::Lerp&) {
  const std::vector<Value> in = e.operands();
  const Value &a = in[0], &b = in[1], &w = in[2];
  const Value span = e.sub(b, a);
  const Value near = e.compare("Less", e.unary("Abs", w), e.like(w, 0.5));
  e.result(e.where(near, e.add(a, e.mul(w, span)), e.sub(b, e.mul(span, e.sub(e.like(w, 1), w)))));
}

}  // namespace catena::onnx_export
