// The formulas of logic.hpp; see formula.hpp.
#pragma once

#include "catena/ops/formula.hpp"
#include "catena/ops/logic.hpp"

namespace catena::formula::CATENA_ISA {

// x - x is 0 for what is finite, else NaN.
#define CATENA_TEST(Struct, expression)                  \
  template <>                                            \
  struct Formula<op::Struct> {                           \
    template <class Op, class T>                         \
    CATENA_FN static bool value(const Op&, const T& x) { \
      return expression;                                 \
    }                                                    \
  };
CATENA_TEST(Isnan, x != x)
CATENA_TEST(Isinf, x == x && !(x - x == T(0)))
CATENA_TEST(Isfinite, x - x == T(0))
CATENA_TEST(LogicalNot, x == T(0))
#undef CATENA_TEST

template <>
struct Formula<op::LogicalAnd> {
  template <class Op, class T>
  CATENA_FN static bool value(const Op&, const T& a, const T& b) {
    return a & b;
  }
};
template <>
struct Formula<op::LogicalOr> {
  template <class Op, class T>
  CATENA_FN static bool value(const Op&, const T& a, const T& b) {
    return a | b;
  }
};

}  // namespace catena::formula::CATENA_ISA
