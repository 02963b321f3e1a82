// The formulas of arithmetic, comparisons and the commonest functions; see formula.hpp.
#pragma once

#include "catena/ops/elementwise.hpp"
#include "catena/ops/formula.hpp"
#include "catena/ops/math.hpp"

namespace catena::formula::CATENA_ISA {

template <>
struct Formula<op::Add> {
  static constexpr std::uint32_t identity = 3;
  CATENA_VALUE2 { return a + b; }
  CATENA_GRAD2 { return g; }
};
template <>
struct Formula<op::Sub> {
  static constexpr std::uint32_t identity = 1;
  CATENA_VALUE2 { return a - b; }
  CATENA_GRAD2 {
    if constexpr (I == 0)
      return g;
    else
      return -g;
  }
};
template <>
struct Formula<op::Mul> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE2 { return a * b; }
  CATENA_GRAD2 {
    if constexpr (I == 0)
      return g * b;
    else
      return g * a;
  }
};
template <>
struct Formula<op::Div> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE2 { return a / b; }
  CATENA_GRAD2 {
    if constexpr (I == 0)
      return g / b;
    else
      return -g * (y / b);
  }
};
template <>
struct Formula<op::Neg> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return -x; }
  CATENA_GRAD1 { return -g; }
};
template <>
struct Formula<op::Pow> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE2 { return power(a, b); }
  CATENA_GRAD2 {
    const T zero = constant(g, 0), one = constant(g, 1);
    // A factor that 0 is multiplied with must be finite, its derivative too: exponent and argument
    // are chosen before.
    if constexpr (I == 0) {
      const T usual = select(abs(a) > constant(a, 1e-37), b, one);
      return g * (b * power(a, select(b == zero, usual, b) - one));
    } else {
      return g * (y * log(select(a == zero, select(b >= zero, one, a), a)));
    }
  }
};
template <>
struct Formula<op::Exp> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return exp(x); }
  CATENA_GRAD1 { return g * y; }
};
template <>
struct Formula<op::Log> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return log(x); }
  CATENA_GRAD1 { return g / x; }
};
template <>
struct Formula<op::Sqrt> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return sqrt(x); }
  CATENA_GRAD1 { return g / (y + y); }
};
template <>
struct Formula<op::Tanh> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return tanh(x); }
  CATENA_GRAD1 { return g * (constant(g, 1) - y * y); }
};
template <>
struct Formula<op::Sigmoid> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return logistic(x); }
  CATENA_GRAD1 { return g * (y * (constant(g, 1) - y)); }
};
template <>
struct Formula<op::Relu> {
  static constexpr std::uint32_t identity = 0;
  CATENA_VALUE1 { return select(x <= constant(x, 0), constant(x, 0), x); }  // NaN stays NaN
  CATENA_GRAD1 { return select(y <= constant(g, 0), constant(g, 0), g); }
};

// Comparisons: bool from two values of one type.
#define CATENA_COMPARISON(Struct, symbol)                            \
  template <>                                                        \
  struct Formula<op::Struct> {                                       \
    template <class Op, class T>                                     \
    CATENA_FN static bool value(const Op&, const T& a, const T& b) { \
      return a symbol b;                                             \
    }                                                                \
  };
CATENA_COMPARISON(Equal, ==)
CATENA_COMPARISON(NotEqual, !=)
CATENA_COMPARISON(Less, <)
CATENA_COMPARISON(LessEqual, <=)
CATENA_COMPARISON(Greater, >)
CATENA_COMPARISON(GreaterEqual, >=)
#undef CATENA_COMPARISON

template <>
struct Formula<op::Where> {
  template <class Op, class C, class T>
  CATENA_FN static T value(const Op&, const C& c, const T& a, const T& b) {
    return select(c, a, b);
  }
  template <int I, class Op, class T, class C>
  CATENA_FN static T grad(const Op&, const T& g, const C& c, const T&, const T&, const T&) {
    if constexpr (I == 1)
      return select(c, g, constant(g, 0));
    else
      return select(c, constant(g, 0), g);
  }
};

template <>
struct Formula<op::BinaryCrossEntropy> {
  static constexpr std::uint32_t identity = 0;
  template <class T>
  CATENA_FN static T bounded_log(const T& x) {
    const T least = constant(x, -100), y = log(x);
    return select(y < least, least, y);
  }
  CATENA_VALUE2 {
    const T one = constant(a, 1);
    return -(b * bounded_log(a)) - (one - b) * bounded_log(one - a);
  }
  CATENA_GRAD2 {
    const T one = constant(g, 1);
    if constexpr (I == 0) {
      const T million = constant(g, 1000000), spread = a * (one - a);
      const T least = one / (million * million);
      return g * ((a - b) / select(spread < least, least, spread));
    } else {
      return g * (bounded_log(one - a) - bounded_log(a));
    }
  }
};

}  // namespace catena::formula::CATENA_ISA
