// Numbers as operands: scalars are weak, `x * 2` keeps x's dtype.
// Not a public header.
#pragma once

#include "catena/graph/dispatch.hpp"
#include "catena/graph/scalar.hpp"

namespace catena::detail {

// `value` as a 0-d tensor of the dtype that keeps `other` what it is.
inline Tensor weak(Scalar value, const Operand& other) {
  const TensorImpl* t = other.impl();
  if (!t) return full({}, value);
  DType dtype = t->dtype;
  if (value.is_real() && !is_floating(dtype))
    dtype = kFloat32;
  else if (!value.is_real() && !value.is_bool() && dtype == kBool)
    dtype = kInt64;
  return full({}, value, {dtype, t->device});
}

// op(a, b) with one number.
template <class Op>
Tensor with_scalar(Operand& a, Scalar b) {
  Operand right(weak(b, a), a.location());
  return call_op(Op{}, a, right);
}
template <class Op>
Tensor with_scalar(Scalar a, Operand& b) {
  Operand left(weak(a, b), b.location());
  return call_op(Op{}, left, b);
}

}  // namespace catena::detail
