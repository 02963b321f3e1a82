// The formulas of math.hpp; see formula.hpp.
#pragma once

#include "catena/ops/formula.hpp"
#include "catena/ops/math.hpp"

namespace catena::formula::CATENA_ISA {

// 0 of NaN.
template <class T>
CATENA_FN T sign_of(const T& x) {
  return select(x > constant(x, 0), constant(x, 1),
                select(x < constant(x, 0), constant(x, -1), constant(x, 0)));
}
#if !defined(__CUDACC__)
inline Tensor sign_of(const Tensor& x) { return sign(x); }
#endif

template <>
struct Formula<op::Abs> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return abs(x); }
  CATENA_GRAD1 { return g * sign_of(x); }
};

// Steps have no slope.
#define CATENA_STEP_FORMULA(Struct, expression)  \
  template <>                                    \
  struct Formula<op::Struct> {                   \
    static constexpr std::uint32_t identity = 0; \
    CATENA_VALUE1 { return expression; }         \
    CATENA_GRAD1 { return zeros_like(g); }       \
  };
CATENA_STEP_FORMULA(Sign, sign_of(x))
CATENA_STEP_FORMULA(Floor, floor(x))
CATENA_STEP_FORMULA(Ceil, ceil(x))
CATENA_STEP_FORMULA(Round, round_even(x))
CATENA_STEP_FORMULA(Trunc, trunc(x))
#undef CATENA_STEP_FORMULA

template <>
struct Formula<op::Minimum> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE2 { return select(a == a, select(a <= b, a, b), a); }
  CATENA_GRAD2 {
    const T share = select(a == b, g * constant(g, 0.5), g);
    if constexpr (I == 0)
      return select(a > b, zeros_like(g), share);
    else
      return select(b > a, zeros_like(g), share);
  }
};
template <>
struct Formula<op::Maximum> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE2 { return select(a == a, select(a >= b, a, b), a); }
  CATENA_GRAD2 {
    const T share = select(a == b, g * constant(g, 0.5), g);
    if constexpr (I == 0)
      return select(a < b, zeros_like(g), share);
    else
      return select(b < a, zeros_like(g), share);
  }
};
// A bound that is NaN binds nothing.
CATENA_FN double bound_or(double value, double none) { return value == value ? value : none; }
template <>
struct Formula<op::Clamp> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 {
    const T low = limit(x, bound_or(op.min, -HUGE_VAL)),
            high = limit(x, bound_or(op.max, HUGE_VAL));
    const T y = select(x < low, low, x);
    return select(y > high, high, y);
  }
  CATENA_GRAD1 {
    const T zero = constant(g, 0), low = constant(x, bound_or(op.min, -HUGE_VAL));
    const T high = constant(x, bound_or(op.max, HUGE_VAL));
    return select(x >= low, select(x <= high, g, zero), zero);
  }
};
template <>
struct Formula<op::Reciprocal> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return constant(x, 1) / x; }
  CATENA_GRAD1 { return -g * (y * y); }
};
template <>
struct Formula<op::Rsqrt> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return constant(x, 1) / sqrt(x); }
  CATENA_GRAD1 { return g * constant(g, -0.5) * (y * (y * y)); }
};
template <>
struct Formula<op::Expm1> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return expm1(x); }
  CATENA_GRAD1 { return g * (y + constant(g, 1)); }
};
template <>
struct Formula<op::Log1p> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return log1p(x); }
  CATENA_GRAD1 { return g / (x + constant(g, 1)); }
};
template <>
struct Formula<op::Erf> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return erf(x); }
  CATENA_GRAD1 { return g * (constant(g, 1.12837916709551257) * exp(-(x * x))); }  // 2 / sqrt(pi)
};
template <>
struct Formula<op::Erfc> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return erfc(x); }
  CATENA_GRAD1 { return g * (constant(g, -1.12837916709551257) * exp(-(x * x))); }
};
template <>
struct Formula<op::Lerp> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE3 {
    const T span = b - a;
    return select(abs(c) < constant(c, 0.5), a + c * span, b - span * (constant(c, 1) - c));
  }
  CATENA_GRAD3 {
    if constexpr (I == 0)
      return g * (constant(g, 1) - c);
    else if constexpr (I == 1)
      return g * c;
    else
      return g * (b - a);
  }
};

}  // namespace catena::formula::CATENA_ISA
