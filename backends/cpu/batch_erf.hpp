// erf and erfc of batches, within 3 and 4 units in the last place where the result is normal.
// xsimd's are NaN for large arguments and lose digits in between (67 units in float64 at 2.2).
#pragma once

#include "catena/backends/cpu/batch_polynomial.hpp"

namespace catena::formula::CATENA_ISA {

// erf(x) / x of z = x^2 <= 1; made by batch_erf.py, as the next.
template <class T>
CATENA_INLINE Lanes<T> erf_small(const Lanes<T>& z) {
  if constexpr (sizeof(T) == 4)
    return polynomial<T>(z, 1.12837916584835095, -0.37612626666720331, 0.112835947151602177,
                         -0.0268542120106264124, 0.00518908742343397399, -0.000801686428716586953,
                         0.0000787587506268548834);
  else
    return polynomial<T>(z, 1.12837916709551257, -0.376126389031837481, 0.112837916709548787,
                         -0.0268661706450767932, 0.00522397762481801447, -0.000854832698083378991,
                         0.000120553311116427109, -0.0000149255952668311816, 1.6461000484121368e-6,
                         -1.6350312701054695e-7, 1.46597752740474358e-8, -1.13728488567916737e-9,
                         5.9571761477489114e-11);
}
// (1 + 2x) e^(x^2) erfc(x) of t = (x - 4) / (x + 4), 1/2 <= x <= 28.
template <class T>
CATENA_INLINE Lanes<T> erfc_large(const Lanes<T>& t) {
  if constexpr (sizeof(T) == 4)
    return polynomial<T>(t, 1.23299511920128839, -0.139621106324799627, 0.0153796151779726943,
                         0.0680959224864096742, -0.101039673203697785, 0.0937564910013256598,
                         -0.0663008236202576366, 0.0370065291614886289, -0.0164707287261935497,
                         0.00534133219871219901);
  else
    return polynomial<T>(t, 1.23299511862555251, -0.139621116840562485, 0.0153796521026199002,
                         0.0680970542546884464, -0.101039066036314302, 0.0937328349985343385,
                         -0.0663303658119679593, 0.0371675155337947246, -0.0161977340610591077,
                         0.00503197001856425961, -0.000757773263497315546, -0.000199256965539278651,
                         0.000150621555901371622, -0.0000243980573339964123,
                         -0.0000112216689422959441, 5.70649472014625389e-6, 2.93131864236960892e-7,
                         -8.19508508345956551e-7, 7.54046735014458555e-8, 1.03256669073014988e-7,
                         -1.84066710514039673e-8, -9.65221352108760468e-9, 1.97176567650497927e-9);
}

// e^(-x^2) with the rounding error of x^2 taken along: halves of x multiply exactly.
template <class T>
CATENA_INLINE Lanes<T> exp_minus_square(const Lanes<T>& x) {
  using B = Lanes<T>;
  const B shifted = x * B(sizeof(T) == 4 ? T(4097) : T(134217729));
  const B high = shifted - (shifted - x), low = x - high, square = x * x;
  const B error = ((high * high - square) + (high + high) * low) + low * low;
  const B e = xsimd::exp(-square);
  return e - e * error;
}

template <class T>
struct ErrorFunctions {
  Lanes<T> small;  // erf(x), for |x| <= 1
  Lanes<T> large;  // erfc(|x|), for |x| >= 1/2
};
template <class T>
CATENA_INLINE ErrorFunctions<T> error_functions(const Lanes<T>& x) {
  using B = Lanes<T>;
  const B a = xsimd::abs(x), x1 = xsimd::select(a > B(T(28)), B(T(28)), a);
  const B t = (x1 - B(T(4))) / (x1 + B(T(4)));
  return {x * erf_small<T>(x * x),
          exp_minus_square<T>(x1) * erfc_large<T>(t) / (x1 + x1 + B(T(1)))};
}

template <class T>
CATENA_INLINE Lanes<T> erf(const Lanes<T>& x) {
  using B = Lanes<T>;
  const ErrorFunctions<T> f = error_functions<T>(x);
  const B one(T(1));
  return xsimd::select(xsimd::abs(x) < one, f.small, (one - f.large) ^ xsimd::bitofsign(x));
}
template <class T>
CATENA_INLINE Lanes<T> erfc(const Lanes<T>& x) {
  using B = Lanes<T>;
  const ErrorFunctions<T> f = error_functions<T>(x);
  const B one(T(1));
  return xsimd::select(xsimd::abs(x) < B(T(0.5)), one - f.small,
                       xsimd::select(x < B(T(0)), B(T(2)) - f.large, f.large));
}

}  // namespace catena::formula::CATENA_ISA
