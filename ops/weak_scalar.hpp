// Numbers as operands: scalars are weak, `x * 2` keeps x's dtype.
// Not a public header.
#pragma once

#include "catena/graph/dispatch.hpp"
#include "catena/graph/scalar_range.hpp"

namespace catena::detail {

// `value` as a 0-d tensor of the dtype that keeps `other` what it is. A number that this dtype does
// not have is compared in int64 and taken as float32 by functions that give it; elsewhere it is an
// error, as in NumPy.
template <class Op>
Tensor weak(Scalar value, const Operand& other) {
  const TensorImpl* t = other.impl();
  if (!t) return full({}, value);
  DType dtype = t->dtype;
  if (value.is_real() && !is_floating(dtype))
    dtype = kFloat32;
  else if (!value.is_real() && !value.is_bool() && dtype == kBool)
    dtype = kInt64;
  if (!is_floating(dtype) && !holds(dtype, value)) {
    if (Op::kPointwise.integer_to_float)
      dtype = kFloat32;
    else if (Op::kPointwise.bool_result && holds(kInt64, value))
      dtype = kInt64;
    else
      check_holds(OpName<Op>::value, dtype, value, other.location());
  }
  return full({}, value, {dtype, t->device});
}

// op(a, b) with one number.
template <class Op>
Tensor with_scalar(Operand& a, Scalar b) {
  Operand right(weak<Op>(b, a), a.location());
  return call_op(Op{}, a, right);
}
template <class Op>
Tensor with_scalar(Scalar a, Operand& b) {
  Operand left(weak<Op>(a, b), b.location());
  return call_op(Op{}, left, b);
}

}  // namespace catena::detail
