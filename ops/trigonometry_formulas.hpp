// The formulas of trigonometry.hpp; see formula.hpp.
#pragma once

#include "catena/ops/formula.hpp"
#include "catena/ops/trigonometry.hpp"

namespace catena::formula::CATENA_ISA {

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
// (1 - x) (1 + x) rather than 1 - x^2: no digits are lost near the ends.
CATENA_FUNCTION_FORMULA(Asin, asin, g / sqrt((one - x) * (one + x)))
CATENA_FUNCTION_FORMULA(Acos, acos, -g / sqrt((one - x) * (one + x)))
CATENA_FUNCTION_FORMULA(Atan, atan, g / (one + x * x))
CATENA_FUNCTION_FORMULA(Sinh, sinh, g* cosh(x))
CATENA_FUNCTION_FORMULA(Cosh, cosh, g* sinh(x))
CATENA_FUNCTION_FORMULA(Asinh, asinh, g / sqrt(one + x * x))
CATENA_FUNCTION_FORMULA(Acosh, acosh, g / (sqrt(x - one) * sqrt(x + one)))
CATENA_FUNCTION_FORMULA(Atanh, atanh, g / ((one - x) * (one + x)))
#undef CATENA_FUNCTION_FORMULA

}  // namespace catena::formula::CATENA_ISA
