// ONNX's attributes are float32. Where a number would lose digits that float64 has, the formula is
// written out.
#include "catena/ops/activation.hpp"

#include <cmath>

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

Value above_zero(Emitter& e, const Value& x) { return e.compare("Greater", x, e.like(x, 0)); }
// scale (e^(x / width) - 1) for x <= 0, slope x above.
Value exponential_unit(Emitter& e, const Value& x, double slope, double scale, double width) {
  const Value low = e.binary("Min", x, e.like(x, 0));
  const Value y =
      e.mul(e.sub(e.unary("Exp", width == 1 ? low : e.div(low, e.like(x, width))), e.like(x, 1)),
            e.like(x, scale));
  return e.where(above_zero(e, x), slope == 1 ? x : e.mul(x, e.like(x, slope)), y);
}
Value clip(Emitter& e, const Value& x, double low, double high) {
  return e.node("Clip", {x, e.like(x, low), e.like(x, high)}, x.dtype, x.shape);
}
Value hard_sigmoid(Emitter& e, const Value& x) {
  if (x.dtype == kFloat32) return e.unary("HardSigmoid", x, {{"alpha", 1.0 / 6}, {"beta", 0.5}});
  return e.div(clip(e, e.add(x, e.like(x, 3)), 0, 6), e.like(x, 6));
}
// An operator with `alpha` where float32 is enough for it.
bool short_number(const Value& x, double v) {
  return x.dtype == kFloat32 || static_cast<double>(static_cast<float>(v)) == v;
}

}  // namespace

void export_op(Emitter& e, const op::LeakyRelu& op) {
  const Value x = e.operands()[0];
  if (short_number(x, op.negative_slope))
    return e.result(e.unary("LeakyRelu", x, {{"alpha", op.negative_slope}}));
  e.result(e.where(above_zero(e, x), x, e.mul(x, e.like(x, op.negative_slope))));
}
void export_op(Emitter& e, const op::Elu& op) {
  const Value x = e.operands()[0];
  e.result(x.dtype == kFloat32 ? e.unary("Elu", x, {{"alpha", op.alpha}})
                               : exponential_unit(e, x, 1, op.alpha, 1));
}
void export_op(Emitter& e, const op::Selu&) {
  const Value x = e.operands()[0];
  const double scale = 1.0507009873554804934193349852946, alpha = 1.6732632423543772848170429916717;
  e.result(x.dtype == kFloat32 ? e.unary("Selu", x)
                               : exponential_unit(e, x, scale, scale * alpha, 1));
}
void export_op(Emitter& e, const op::Celu& op) {
  const Value x = e.operands()[0];
  e.result(x.dtype == kFloat32 ? e.unary("Celu", x, {{"alpha", op.alpha}})
                               : exponential_unit(e, x, 1, op.alpha, op.alpha));
}
void export_op(Emitter& e, const op::Gelu& op) {
  const Value x = e.operands()[0];
  if (e.opset() >= 20 && x.dtype == kFloat32)
    return e.result(e.unary("Gelu", x, {{"approximate", op.tanh ? "tanh" : "none"}}));
  const Value half = e.mul(x, e.like(x, 0.5));
  Value s;
  if (op.tanh) {
    const Value bend = e.add(e.like(x, 1), e.mul(e.mul(x, x), e.like(x, 0.044715)));
    s = e.unary("Tanh", e.mul(e.mul(x, bend), e.like(x, std::sqrt(2 / M_PI))));
  } else {
    s = e.unary("Erf", e.mul(x, e.like(x, M_SQRT1_2)));
  }
  e.result(e.mul(half, e.add(s, e.like(x, 1))));
}
void export_op(Emitter& e, const op::Silu&) {
  const Value x = e.operands()[0];
  e.result(e.mul(x, e.unary("Sigmoid", x)));
}
void export_op(Emitter& e, const op::Mish&) {
  const Value x = e.operands()[0];
  if (e.opset() >= 18 && x.dtype == kFloat32) return e.result(e.unary("Mish", x));
  e.result(e.mul(x, e.unary("Tanh", e.softplus(x))));
}
void export_op(Emitter& e, const op::Softplus& op) {
  const Value x = e.operands()[0];
  const bool plain = op.beta == 1;
  const Value z = plain ? x : e.mul(x, e.like(x, op.beta));
  const Value soft = e.softplus(z);
  const Value far = e.compare("Greater", z, e.like(x, op.threshold));
  e.result(e.where(far, x, plain ? soft : e.div(soft, e.like(x, op.beta))));
}
void export_op(Emitter& e, const op::Softsign&) {
  const Value x = e.operands()[0];
  if (x.dtype == kFloat32) return e.result(e.unary("Softsign", x));
  e.result(e.div(x, e.add(e.unary("Abs", x), e.like(x, 1))));
}
void export_op(Emitter& e, const op::Hardtanh& op) {
  e.result(clip(e, e.operands()[0], op.min, op.max));
}
void export_op(Emitter& e, const op::Hardsigmoid&) { e.result(hard_sigmoid(e, e.operands()[0])); }
void export_op(Emitter& e, const op::Hardswish&) {
  const Value x = e.operands()[0];
  if (e.opset() >= 14 && x.dtype == kFloat32) return e.result(e.unary("HardSwish", x));
  e.result(e.mul(x, hard_sigmoid(e, x)));
}
void export_op(Emitter& e, const op::Step& op) {
  const Value x = e.operands()[0];
  const Value zero = e.like(x, 0);
  const Value rest = e.where(e.compare("Equal", x, zero), e.like(x, op.at_zero), zero);
  e.result(e.where(e.compare("Greater", x, zero), e.like(x, 1), rest));
}
void export_op(Emitter& e, const op::LogSigmoid&) {
  e.result(e.unary("Neg", e.softplus(e.unary("Neg", e.operands()[0]))));
}

}  // namespace catena::onnx_export
