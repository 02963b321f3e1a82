#include "catena/ops/matmul.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Matmul&) {
  e.result(e.node("MatMul", {e.in(0), e.in(1)}, e.out().dtype, e.out().shape));
}

void export_op(Emitter& e, const op::Linear&) {
  const Value &x = e.in(0), &weight = e.in(1), &bias = e.in(2);
  if (x.rank() == 2)
    return e.result(e.node("Gemm", {x, weight, bias}, x.dtype, e.out().shape, {{"transB", 1}}));
  Value y = e.node("MatMul", {x, e.transpose(weight, {1, 0})}, x.dtype, e.out().shape);
  if (bias) y = e.add(y, bias);
  e.result(y);
}

}  // namespace catena::onnx_export
