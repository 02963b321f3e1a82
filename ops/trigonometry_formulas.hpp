// The formulas of trigonometry.hpp; see formula.hpp.
#pragma once

#include "catena/ops/formula.hpp"
#include "catena/ops/trigonometry.hpp"

namespace catena::formula::CATENA_ISA {

// 1 - x^2. The product keeps the digits near the ends, where its derivative would be 0 times
// infinity, and loses them near 0.
template <class T>
CATENA_FN T one_minus_square(const T& x) {
  const T one = constant(x, 1), plain = one - x * x, product = (one - x) * (one + x);
  return select(plain > constant(x, 0.5), plain, select(product == constant(x, 0), plain, product));
}

#define CATENA_FUNCTION_FORMULA(Struct, function, derivative) \
  template <>                                                 \
  struct Formula<op::Struct> {                                \
    static constexpr std::uint32_t identity = 0;              \
    CATENA_VALUE1 { return function(x); }                     \
    CATENA_GRAD1 {                                            \
      [[maybe_unused]] const T one = constant(g, 1);          \
      return derivative;                                      \
    }                                                         \
  };
CATENA_FUNCTION_FORMULA(Sin, sin, g* cos(x))
CATENA_FUNCTION_FORMULA(Cos, cos, -g* sin(x))
CATENA_FUNCTION_FORMULA(Tan, tan, g*(one + y * y))
CATENA_FUNCTION_FORMULA(Asin, asin, g / sqrt(one_minus_square(x)))
CATENA_FUNCTION_FORMULA(Acos, acos, -g / sqrt(one_minus_square(x)))
CATENA_FUNCTION_FORMULA(Atan, atan, g / (one + x * x))
CATENA_FUNCTION_FORMULA(Sinh, sinh, g* cosh(x))
CATENA_FUNCTION_FORMULA(Cosh, cosh, g* sinh(x))
CATENA_FUNCTION_FORMULA(Asinh, asinh, g / sqrt(one + x * x))
CATENA_FUNCTION_FORMULA(Acosh, acosh, g / (sqrt(x - one) * sqrt(x + one)))
CATENA_FUNCTION_FORMULA(Atanh, atanh, g / one_minus_square(x))
#undef CATENA_FUNCTION_FORMULA

}  // namespace catena::formula::CATENA_ISA
