// Functions of batches where xsimd's own miss something.
#pragma once

#include "catena/backends/cpu/batch_polynomial.hpp"

namespace catena::formula::CATENA_ISA {

// xsimd's SSE2 rounding gives +0 for what rounds to -0.
template <class T>
CATENA_INLINE Lanes<T> floor(const Lanes<T>& x) {
  return xsimd::floor(x) | xsimd::bitofsign(x);
}
template <class T>
CATENA_INLINE Lanes<T> ceil(const Lanes<T>& x) {
  return xsimd::ceil(x) | xsimd::bitofsign(x);
}
template <class T>
CATENA_INLINE Lanes<T> trunc(const Lanes<T>& x) {
  return xsimd::trunc(x) | xsimd::bitofsign(x);
}
template <class T>
CATENA_INLINE Lanes<T> round_even(const Lanes<T>& x) {
  return xsimd::nearbyint(x) | xsimd::bitofsign(x);
}

// xsimd's gives +0 for -0, and inf from 88.4 on in float32, where e^x still is finite.
template <class T>
CATENA_INLINE Lanes<T> expm1(const Lanes<T>& x) {
  const Lanes<T> root = xsimd::exp(x * Lanes<T>(T(0.5)));
  const Lanes<T> y = xsimd::select(x > Lanes<T>(T(60)), root * root, xsimd::expm1(x));
  return xsimd::select(x == Lanes<T>(T(0)), x, y);
}
// xsimd's gives +0 for -0.
template <class T>
CATENA_INLINE Lanes<T> log1p(const Lanes<T>& x) {
  return xsimd::select(x == Lanes<T>(T(0)), x, xsimd::log1p(x));
}

}  // namespace catena::formula::CATENA_ISA
