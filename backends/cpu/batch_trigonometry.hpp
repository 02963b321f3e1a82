// sin, cos and tan of batches, chosen before xsimd's because they are more specialised. xsimd picks
// the way to reduce an argument for a batch as a whole, so that the bits of one lane would depend
// on its neighbours. Here every lane goes its own way: up to some 200 (float32) or 800,000
// (float64) it is reduced in its batch, beyond by the C library. Also acosh, which below 1 must be
// NaN.
#pragma once

#include <math.h>

#include "catena/backends/cpu/batch_polynomial.hpp"

namespace catena::formula::CATENA_ISA {

template <class T>
struct SinCos {
  Lanes<T> sin, cos;
};

// Of |x| small enough: x = n pi/2 + r with pi/2 in six parts (fdlibm's scheme, in T), polynomials
// on [-pi/4, pi/4] (fdlibm's and Cephes's coefficients).
template <class T>
CATENA_INLINE SinCos<T> sin_cos(const Lanes<T>& x) {
  using B = Lanes<T>;
  namespace c = xsimd::constants;
  const B n = xsimd::nearbyint(x * c::twoopi<B>());
  B r = x - n * c::pio2_1<B>(), t = r, w = n * c::pio2_2<B>();
  r = t - w;
  w = n * c::pio2_2t<B>() - ((t - r) - w);
  t = r;
  w = n * c::pio2_3<B>();
  r = t - w;
  w = n * c::pio2_3t<B>() - ((t - r) - w);
  r = r - w;
  const B z = r * r;
  B s, k;
  if constexpr (sizeof(T) == 4) {
    s = polynomial<T>(z, -1.6666654611e-1, 8.3321608736e-3, -1.9515295891e-4);
    k = polynomial<T>(z, 4.166664568298827e-2, -1.388731625493765e-3, 2.443315711809948e-5);
  } else {
    s = polynomial<T>(z, -1.66666666666666324348e-1, 8.33333333332248946124e-3,
                      -1.98412698298579493134e-4, 2.75573137070700676789e-6,
                      -2.50507602534068634195e-8, 1.58969099521155010221e-10);
    k = polynomial<T>(z, 4.16666666666666019037e-2, -1.38888888888741095749e-3,
                      2.48015872894767294178e-5, -2.75573143513906633035e-7,
                      2.08757232129817482790e-9, -1.13596475577881948265e-11);
  }
  s = xsimd::fma(s * z, r, r);
  const B half = B(T(0.5)) * z, one(T(1)), top = one - half;
  k = top + (((one - top) - half) + z * z * k);
  // Turned by n quarters: n mod 4 is 0, 1, -1, 2 or -2.
  const B turn = n - B(T(4)) * xsimd::nearbyint(n * B(T(0.25)));
  const auto odd = xsimd::abs(turn) == one, back = xsimd::abs(turn) == B(T(2));
  const B sine = xsimd::select(odd, k, s), cosine = xsimd::select(odd, s, k);
  return {xsimd::select(back || turn == -one, -sine, sine),
          xsimd::select(back || turn == one, -cosine, cosine)};
}

// y where |x| is small enough for sin_cos, f(x) lane by lane elsewhere.
template <class T, class F>
CATENA_INLINE Lanes<T> with_large(const Lanes<T>& x, const Lanes<T>& y, const F& f) {
  using B = Lanes<T>;
  constexpr T limit = sizeof(T) == 4 ? T(200) : T(800000);
  if (xsimd::all(xsimd::abs(x) <= B(limit))) return y;
  alignas(64) T in[B::size], out[B::size];
  x.store_aligned(in);
  y.store_aligned(out);
  for (std::size_t i = 0; i < B::size; ++i)
    if (!(in[i] <= limit && in[i] >= -limit)) out[i] = f(in[i]);
  return B::load_aligned(out);
}

CATENA_INLINE float large_sin(float x) { return ::sinf(x); }
CATENA_INLINE double large_sin(double x) { return ::sin(x); }
CATENA_INLINE float large_cos(float x) { return ::cosf(x); }
CATENA_INLINE double large_cos(double x) { return ::cos(x); }
CATENA_INLINE float large_tan(float x) { return ::tanf(x); }
CATENA_INLINE double large_tan(double x) { return ::tan(x); }

template <class T>
CATENA_INLINE Lanes<T> sin(const Lanes<T>& x) {
  const Lanes<T> y = xsimd::select(x == Lanes<T>(T(0)), x, sin_cos<T>(x).sin);
  return with_large<T>(x, y, [](T v) { return large_sin(v); });
}
template <class T>
CATENA_INLINE Lanes<T> cos(const Lanes<T>& x) {
  return with_large<T>(x, sin_cos<T>(x).cos, [](T v) { return large_cos(v); });
}
template <class T>
CATENA_INLINE Lanes<T> tan(const Lanes<T>& x) {
  const SinCos<T> v = sin_cos<T>(x);
  const Lanes<T> y = xsimd::select(x == Lanes<T>(T(0)), x, v.sin / v.cos);
  return with_large<T>(x, y, [](T v) { return large_tan(v); });
}
template <class T>
CATENA_INLINE Lanes<T> acosh(const Lanes<T>& x) {
  using B = Lanes<T>;
  return xsimd::select(x < B(T(1)), xsimd::constants::nan<B>(), xsimd::acosh(x));
}

}  // namespace catena::formula::CATENA_ISA
