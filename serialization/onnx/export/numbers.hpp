// Small dtypes in arithmetic: ONNX's operators lack bool, before opset 14 they lack uint8, and what
// runs them often has no code for it. They are computed as int32, which wraps around to the same
// bits. Not a public header.
#pragma once

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

inline Value widened(Emitter& e, const Value& x) {
  const bool small = !is_floating(x.dtype) && size_of(x.dtype) < 4;
  return small ? e.cast(x, kInt32) : x;
}
// Back to the dtype before widened().
inline Value narrow(Emitter& e, const Value& x, DType dtype) { return e.cast(x, dtype); }

// `type` of the operands of a pointwise call, in the dtype they are promoted to.
inline Value arithmetic(Emitter& e, const char* type) {
  const std::vector<Value> in = e.operands();
  const Value y = in.size() == 1 ? e.unary(type, widened(e, in[0]))
                                 : e.binary(type, widened(e, in[0]), widened(e, in[1]));
  return narrow(e, y, in[0].dtype);
}
inline Value comparison(Emitter& e, const char* type) {
  const std::vector<Value> in = e.operands();
  return e.compare(type, widened(e, in[0]), widened(e, in[1]));
}

}  // namespace catena::onnx_export
