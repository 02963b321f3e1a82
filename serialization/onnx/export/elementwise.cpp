#include "catena/ops/elementwise.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"
#include "catena/serialization/onnx/export/numbers.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Add&) { e.result(arithmetic(e, "Add")); }
void export_op(Emitter& e, const op::Sub&) { e.result(arithmetic(e, "Sub")); }
void export_op(Emitter& e, const op::Mul&) { e.result(arithmetic(e, "Mul")); }
void export_op(Emitter& e, const op::Div&) { e.result(arithmetic(e, "Div")); }
void export_op(Emitter& e, const op::Pow&) { e.result(arithmetic(e, "Pow")); }
void export_op(Emitter& e, const op::Neg&) { e.result(arithmetic(e, "Neg")); }
void export_op(Emitter& e, const op::Exp&) { e.result(e.unary("Exp", e.operands()[0])); }
void export_op(Emitter& e, const op::Log&) { e.result(e.unary("Log", e.operands()[0])); }
void export_op(Emitter& e, const op::Sqrt&) { e.result(e.unary("Sqrt", e.operands()[0])); }
void export_op(Emitter& e, const op::Tanh&) { e.result(e.unary("Tanh", e.operands()[0])); }
void export_op(Emitter& e, const op::Sigmoid&) { e.result(e.unary("Sigmoid", e.operands()[0])); }
void export_op(Emitter& e, const op::Relu&) {
  const Value x = e.in(0);
  e.result(is_floating(x.dtype) ? e.unary("Relu", x) : e.binary("Max", x, e.like(x, 0)));
}

void export_op(Emitter& e, const op::Equal&) { e.result(comparison(e, "Equal")); }
void export_op(Emitter& e, const op::NotEqual&) {
  e.result(e.unary("Not", comparison(e, "Equal")));
}
void export_op(Emitter& e, const op::Less&) { e.result(comparison(e, "Less")); }
void export_op(Emitter& e, const op::LessEqual&) { e.result(comparison(e, "LessOrEqual")); }
void export_op(Emitter& e, const op::Greater&) { e.result(comparison(e, "Greater")); }
void export_op(Emitter& e, const op::GreaterEqual&) { e.result(comparison(e, "GreaterOrEqual")); }

void export_op(Emitter& e, const op::Where&) {
  const std::vector<Value> in = e.operands();
  e.result(narrow(e, e.where(in[0], widened(e, in[1]), widened(e, in[2])), in[1].dtype));
}

void export_op(Emitter& e, const op::BinaryCrossEntropy&) {
  const std::vector<Value> in = e.operands();
  const Value one = e.like(in[0], 1), least = e.like(in[0], -100);
  const auto bounded_log = [&](const Value& x) {
    return e.binary("Max", e.unary("Log", x), least);
  };
  const Value hit = e.mul(in[1], bounded_log(in[0]));
  const Value miss = e.mul(e.sub(one, in[1]), bounded_log(e.sub(one, in[0])));
  e.result(e.unary("Neg", e.add(hit, miss)));
}

}  // namespace catena::onnx_export
