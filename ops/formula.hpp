// What the formulas of pointwise ops (<stem>_formulas.hpp) are made of. They are compiled for SIMD
// batches per CPU instruction set, for plain scalars, for CUDA, and the derivatives also with
// T = Tensor, where they become the op's gradient rule of any order.
//
//   Formula<op::X>::value(op, x...)         y
//   Formula<op::X>::grad<I>(op, g, x..., y) g * dy/dx_I, reading only what X::kSaves names
//   Formula<op::X>::identity                bit i: the gradient of input i is g itself, so that no
//                                           kernel need run
//
// CATENA_ISA names the machine: every function is in a namespace of its own, so that no code for
// one instruction set can be taken for another's.
#pragma once

#include <type_traits>

#include "catena/graph/philox.hpp"
#include "catena/ops/op_list.hpp"

#ifndef CATENA_ISA
#define CATENA_ISA host
#endif

#ifdef __CUDACC__
#include <cmath>
#else
#include <math.h>

#include "catena/ops/elementwise.hpp"
#endif

namespace catena::formula::CATENA_ISA {

// --- Functions of scalars; batches and tensors bring their own by the same names ------------------

#define CATENA_SCALAR_FUNCTION(name, function)               \
  CATENA_FN float name(float x) { return ::function##f(x); } \
  CATENA_FN double name(double x) { return ::function(x); }
CATENA_SCALAR_FUNCTION(abs, fabs)
CATENA_SCALAR_FUNCTION(floor, floor)
CATENA_SCALAR_FUNCTION(ceil, ceil)
CATENA_SCALAR_FUNCTION(trunc, trunc)
CATENA_SCALAR_FUNCTION(round_even, nearbyint)
CATENA_SCALAR_FUNCTION(exp, exp)
CATENA_SCALAR_FUNCTION(expm1, expm1)
CATENA_SCALAR_FUNCTION(log, log)
CATENA_SCALAR_FUNCTION(log1p, log1p)
CATENA_SCALAR_FUNCTION(sqrt, sqrt)
CATENA_SCALAR_FUNCTION(erf, erf)
CATENA_SCALAR_FUNCTION(erfc, erfc)
CATENA_SCALAR_FUNCTION(sin, sin)
CATENA_SCALAR_FUNCTION(cos, cos)
CATENA_SCALAR_FUNCTION(tan, tan)
CATENA_SCALAR_FUNCTION(asin, asin)
CATENA_SCALAR_FUNCTION(acos, acos)
CATENA_SCALAR_FUNCTION(atan, atan)
CATENA_SCALAR_FUNCTION(sinh, sinh)
CATENA_SCALAR_FUNCTION(cosh, cosh)
CATENA_SCALAR_FUNCTION(tanh, tanh)
CATENA_SCALAR_FUNCTION(asinh, asinh)
CATENA_SCALAR_FUNCTION(acosh, acosh)
CATENA_SCALAR_FUNCTION(atanh, atanh)
#undef CATENA_SCALAR_FUNCTION
CATENA_FN float power(float x, float y) { return ::powf(x, y); }
CATENA_FN double power(double x, double y) { return ::pow(x, y); }
template <class T>
CATENA_FN T select(bool c, T a, T b) {
  return c ? a : b;
}

// Integers are whole already.
template <class T>
concept Whole = std::is_integral_v<T>;
template <Whole T>
CATENA_FN T abs(T x) {
  if constexpr (std::is_signed_v<T>)
    return x < T(0) ? static_cast<T>(-x) : x;
  else
    return x;
}
template <Whole T>
CATENA_FN T floor(T x) {
  return x;
}
template <Whole T>
CATENA_FN T ceil(T x) {
  return x;
}
template <Whole T>
CATENA_FN T trunc(T x) {
  return x;
}
template <Whole T>
CATENA_FN T round_even(T x) {
  return x;
}

// --- Constants of the type of `like`
// ----------------------------------------------------------------

template <class T>
CATENA_FN T constant(const T&, int value) {
  return T(value);
}
template <class T>
CATENA_FN T constant(const T&, double value) {
  return T(value);
}
// A bound of `clamp`: integers take the nearest one that they have.
template <class T>
CATENA_FN T limit(const T&, double value) {
  if constexpr (Whole<T>) {
    constexpr bool is_signed = T(-1) < T(0);
    constexpr auto ones = ~std::uint64_t{0} >> (64 - 8 * sizeof(T) + is_signed);
    constexpr T high = static_cast<T>(ones), low = is_signed ? static_cast<T>(-high - 1) : T(0);
    return value <= static_cast<double>(low)    ? low
           : value >= static_cast<double>(high) ? high
                                                : static_cast<T>(value);
  } else {
    return T(value);
  }
}
template <class T>
CATENA_FN T zeros_like(const T&) {
  return T(0);
}
// 1 / (1 + e^-x).
template <class T>
CATENA_FN T logistic(const T& x) {
  return constant(x, 1) / (constant(x, 1) + exp(-x));
}

#if !defined(__CUDACC__)
inline Tensor constant(const Tensor& like, int value) {
  return full({}, value, {like.dtype(), like.device()});
}
inline Tensor constant(const Tensor& like, double value) {
  return full({}, value, {like.dtype(), like.device()});
}
inline Tensor power(const Tensor& a, const Tensor& b) { return pow(a, b); }
inline Tensor logistic(const Tensor& x) { return sigmoid(x); }
#endif

template <class Op>
struct Formula;

}  // namespace catena::formula::CATENA_ISA

#define CATENA_VALUE1          \
  template <class Op, class T> \
  CATENA_FN static T value([[maybe_unused]] const Op& op, const T& x)
#define CATENA_VALUE2          \
  template <class Op, class T> \
  CATENA_FN static T value([[maybe_unused]] const Op& op, const T& a, const T& b)
#define CATENA_VALUE3          \
  template <class Op, class T> \
  CATENA_FN static T value([[maybe_unused]] const Op& op, const T& a, const T& b, const T& c)
#define CATENA_GRAD1                                                                              \
  template <int I, class Op, class T>                                                             \
  CATENA_FN static T grad([[maybe_unused]] const Op& op, const T& g, [[maybe_unused]] const T& x, \
                          [[maybe_unused]] const T& y)
#define CATENA_GRAD2                                                                              \
  template <int I, class Op, class T>                                                             \
  CATENA_FN static T grad([[maybe_unused]] const Op& op, const T& g, [[maybe_unused]] const T& a, \
                          [[maybe_unused]] const T& b, [[maybe_unused]] const T& y)
#define CATENA_GRAD3                                                                              \
  template <int I, class Op, class T>                                                             \
  CATENA_FN static T grad([[maybe_unused]] const Op& op, const T& g, [[maybe_unused]] const T& a, \
                          [[maybe_unused]] const T& b, [[maybe_unused]] const T& c,               \
                          [[maybe_unused]] const T& y)
