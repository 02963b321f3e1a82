#include "catena/ops/elementwise.hpp"

#include <fmt/format.h>

#define CATENA_STEM_elementwise ~,
#include "catena/ops/elementwise_formulas.hpp"

#include "catena/ops/formula_gradients.hpp"
#include "catena/ops/weak_scalar.hpp"

namespace catena {

#define CATENA_UNARY(name, Struct) \
  Tensor name(Operand x) { return detail::call_op(op::Struct{}, x); }
#define CATENA_BINARY(name, Struct) \
  Tensor name(Operand a, Operand b) { return detail::call_op(op::Struct{}, a, b); }
#define CATENA_OPERATOR(symbol, Struct)                                                         \
  Tensor operator symbol(Operand a, Operand b) { return detail::call_op(op::Struct{}, a, b); }  \
  Tensor operator symbol(Operand a, Scalar b) { return detail::with_scalar<op::Struct>(a, b); } \
  Tensor operator symbol(Scalar a, Operand b) { return detail::with_scalar<op::Struct>(a, b); }

CATENA_UNARY(neg, Neg)
CATENA_UNARY(operator-, Neg)
CATENA_UNARY(exp, Exp)
CATENA_UNARY(log, Log)
CATENA_UNARY(sqrt, Sqrt)
CATENA_UNARY(tanh, Tanh)
CATENA_UNARY(sigmoid, Sigmoid)
CATENA_UNARY(relu, Relu)

CATENA_BINARY(add, Add)
CATENA_BINARY(sub, Sub)
CATENA_BINARY(mul, Mul)
CATENA_BINARY(div, Div)
CATENA_BINARY(pow, Pow)
CATENA_BINARY(binary_cross_entropy, BinaryCrossEntropy)
CATENA_BINARY(equal, Equal)
CATENA_BINARY(not_equal, NotEqual)
CATENA_BINARY(less, Less)
CATENA_BINARY(less_equal, LessEqual)
CATENA_BINARY(greater, Greater)
CATENA_BINARY(greater_equal, GreaterEqual)

CATENA_OPERATOR(+, Add)
CATENA_OPERATOR(-, Sub)
CATENA_OPERATOR(*, Mul)
CATENA_OPERATOR(/, Div)
CATENA_OPERATOR(==, Equal)
CATENA_OPERATOR(!=, NotEqual)
CATENA_OPERATOR(<, Less)
CATENA_OPERATOR(<=, LessEqual)
CATENA_OPERATOR(>, Greater)
CATENA_OPERATOR(>=, GreaterEqual)

Tensor pow(Operand base, Scalar exponent) { return detail::with_scalar<op::Pow>(base, exponent); }
Tensor pow(Scalar base, Operand exponent) { return detail::with_scalar<op::Pow>(base, exponent); }

Tensor where(Operand condition, Operand a, Operand b) {
  return detail::call_op(op::Where{}, condition, a, b);
}
Tensor where(Operand condition, Operand a, Scalar b) {
  Operand right(detail::weak<op::Where>(b, a), a.location());
  return detail::call_op(op::Where{}, condition, a, right);
}
Tensor where(Operand condition, Scalar a, Operand b) {
  Operand left(detail::weak<op::Where>(a, b), b.location());
  return detail::call_op(op::Where{}, condition, left, b);
}

Tensor masked_fill(Operand x, Operand mask, Scalar value) {
  const detail::TensorImpl *t = x.impl(), *m = mask.impl();
  if (t && m) {
    Shape joined;
    if (!broadcast_shapes(t->shape, m->shape, &joined) || joined != t->shape)
      throw_argument("masked_fill",
                     fmt::format("mask {} does not broadcast to x {}; expected sizes that are "
                                 "equal or 1, counted from the right",
                                 to_string(m->shape), to_string(t->shape)),
                     x.location());
    if (m->dtype != kBool)
      throw_argument(
          "masked_fill",
          fmt::format("mask has dtype {}; expected bool; compare it with something first",
                      name_of(m->dtype)),
          x.location());
    if (value.is_real() && !is_floating(t->dtype))
      throw_argument("masked_fill",
                     fmt::format("value {} for x of dtype {}; expected an integer; convert x with "
                                 "to(dtype)",
                                 value.real(), name_of(t->dtype)),
                     x.location());
    detail::check_holds("masked_fill", t->dtype, value, x.location());
  }
  const CallSite site(x.location());
  Operand filler(t ? full({}, value, {t->dtype, t->device}) : full({}, value), x.location());
  return detail::call_op(op::Where{}, mask, filler, x);
}

}  // namespace catena
