// Reals are computed in float64 and rounded once, as the ops do.
#include "catena/ops/creation.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Arange& op) {
  const Value i = e.counting(e.size_of("count"));
  if (is_floating(op.dtype)) {
    const Value y = e.mul(e.cast(i, kFloat64), e.number(op.step, kFloat64));
    return e.result(e.cast(e.add(y, e.number(op.start, kFloat64)), op.dtype));
  }
  Value y = i;
  if (op.step != 1) y = e.mul(y, e.number(op.step, kInt64));
  if (op.start != 0) y = e.add(y, e.number(op.start, kInt64));
  e.result(e.cast(y, op.dtype));
}

// Counted from the nearer end.
void export_op(Emitter& e, const op::Linspace& op) {
  const SymbolicInt count = e.size_of("count");
  const auto real = [&](double v) { return e.number(v, kFloat64); };
  const Value i = e.cast(e.counting(count), kFloat64), n = e.cast(e.scalar(count), kFloat64);
  const Value last = e.sub(n, real(1));
  const Value step = e.div(real(op.end - op.start), e.binary("Max", last, real(1)));
  const Value up = e.add(real(op.start), e.mul(i, step));
  const Value down = e.sub(real(op.end), e.mul(e.sub(last, i), step));
  // One number is the start.
  const Value near = e.compare("Less", e.mul(i, real(2)), e.binary("Max", last, real(1)));
  e.result(e.cast(e.where(near, up, down), op.dtype));
}

void export_op(Emitter& e, const op::Eye& op) {
  const SymbolicShape shape{e.size_of("rows"), e.size_of("columns")};
  const DType dtype = op.dtype == kBool || op.dtype == kUInt8 ? kInt64 : op.dtype;
  const Value zeros = e.node("ConstantOfShape", {e.sizes(shape)}, kFloat32, shape);
  e.result(e.cast(e.node("EyeLike", {zeros}, dtype, shape, {{"dtype", code_of(dtype)}}), op.dtype));
}

}  // namespace catena::onnx_export
