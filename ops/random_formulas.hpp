// From numbers of the Philox stream to values, once for all machines.
//
// Element i of a call whose state stands at offset o takes
//   dropout, uniform float32   number o + i
//   uniform float64            numbers o + 2i and o + 2i + 1
//   normal float32             of the pair j = i / 2: numbers o + 2j and o + 2j + 1
//   normal float64             of the pair j = i / 2: numbers o + 4j to o + 4j + 3
// and of a pair of normals the even element is the cosine, the odd one the sine. The numbers are
// the same everywhere; values of normals may differ in the last bits where products are contracted.
#pragma once

#include <cstdint>

#include "catena/graph/philox.hpp"

namespace catena::formulas {

// Numbers that a call on `numel` elements takes.
constexpr std::uint64_t uniform_numbers(std::uint64_t numel, bool is_double) {
  return is_double ? 2 * numel : numel;
}
constexpr std::uint64_t normal_numbers(std::uint64_t numel, bool is_double) {
  return uniform_numbers(numel + numel % 2, is_double);
}

// An element is dropped when its number is below p 2^32, otherwise scaled. With p = 1 the numbers
// end before the threshold, and the scale drops the last one.
CATENA_FN std::uint32_t dropout_threshold(double p) {
  return p < 1 ? static_cast<std::uint32_t>(p * 4294967296.0) : 0xffffffffu;
}
CATENA_FN double dropout_scale(double p) { return p < 1 ? 1 / (1 - p) : 0; }

// The largest value below a finite x.
CATENA_FN float below(float x) {
  const std::int32_t bits = __builtin_bit_cast(std::int32_t, x);
  if (x == 0.0f) return __builtin_bit_cast(float, std::int32_t{-0x7fffffff});
  return __builtin_bit_cast(float, x > 0 ? bits - 1 : bits + 1);
}
CATENA_FN double below(double x) {
  const std::int64_t bits = __builtin_bit_cast(std::int64_t, x);
  if (x == 0.0) return __builtin_bit_cast(double, std::int64_t{-0x7fffffffffffffff});
  return __builtin_bit_cast(double, x > 0 ? bits - 1 : bits + 1);
}

// low + (high - low) u with u in [0, 1); `last` is the largest value below high, which rounding
// must not pass.
template <class T>
CATENA_FN T uniform_value(T u, T low, T span, T last) {
  const T v = low + span * u;
  return v < last ? v : last;
}

// --- Box-Muller: r = sqrt(-2 ln u), (r cos 2 pi v, r sin 2 pi v) with u in (0, 1], v in [0, 1) ---

// 31 bits to (0, 1], and 53.
CATENA_FN float open_unit_float(std::uint32_t bits) {
  const float upper = static_cast<float>(static_cast<std::int32_t>(bits >> 1));
  return (upper + 1.0f) * (1.0f / 2147483648.0f);
}
CATENA_FN double open_unit_double(std::uint32_t high, std::uint32_t low) {
  return 1.0 - unit_double(high, low);
}

// ln u for normal u: 2^e m with m in [1/sqrt 2, sqrt 2), ln m = 2 atanh((m - 1) / (m + 1)).
CATENA_FN float ln(float u) {
  const std::int32_t bits = __builtin_bit_cast(std::int32_t, u);
  const std::int32_t e = (bits - 0x3f3504f3) >> 23;
  const float m = __builtin_bit_cast(
      float, bits - static_cast<std::int32_t>(static_cast<std::uint32_t>(e) << 23));
  const float s = (m - 1.0f) / (m + 1.0f), z = s * s;
  const float series =
      1.0f + z * (1.0f / 3 + z * (1.0f / 5 + z * (1.0f / 7 + z * (1.0f / 9 + z * (1.0f / 11)))));
  return static_cast<float>(e) * 0.693147180559945309f + 2.0f * s * series;
}
CATENA_FN double ln(double u) {
  const std::int64_t bits = __builtin_bit_cast(std::int64_t, u);
  const std::int64_t e = (bits - 0x3fe6a09e667f3bcd) >> 52;
  const double m = __builtin_bit_cast(
      double, bits - static_cast<std::int64_t>(static_cast<std::uint64_t>(e) << 52));
  const double s = (m - 1.0) / (m + 1.0), z = s * s;
  double series = 1.0 / 25;
  for (int k = 23; k >= 1; k -= 2) series = series * z + 1.0 / k;
  return static_cast<double>(static_cast<std::int32_t>(e)) * 0.693147180559945309 +
         2.0 * s * series;
}

CATENA_FN float root(float x) {
#ifdef __CUDA_ARCH__
  return sqrtf(x);
#else
  return __builtin_sqrtf(x);
#endif
}
CATENA_FN double root(double x) {
#ifdef __CUDA_ARCH__
  return sqrt(x);
#else
  return __builtin_sqrt(x);
#endif
}

// Taylor series of sine and cosine for |x| <= pi / 4.
CATENA_FN void small_sincos(float x, float* s, float* c) {
  const float z = x * x;
  *s = x * (1.0f + z * (-1.0f / 6 + z * (1.0f / 120 + z * (-1.0f / 5040 + z * (1.0f / 362880)))));
  *c = 1.0f +
       z * (-0.5f + z * (1.0f / 24 + z * (-1.0f / 720 + z * (1.0f / 40320 - z / 3628800.0f))));
}
CATENA_FN void small_sincos(double x, double* s, double* c) {
  const double z = x * x;
  double a = 1.0, b = 1.0;
  for (int k = 18; k >= 2; k -= 2) {
    a = 1.0 - a * z / (k * (k + 1));
    b = 1.0 - b * z / (k * (k - 1));
  }
  *s = x * a;
  *c = b;
}

// Two independent standard normals from u in (0, 1] and v in [0, 1).
template <class T>
CATENA_FN void box_muller(T u, T v, T* z0, T* z1) {
  const T r = root(T(-2) * ln(u));
  // 2 pi v is a quarter turn `q` times, and at most half of one more or less.
  const T turns = v * T(4);
  const std::int32_t q = static_cast<std::int32_t>(turns + T(0.5));
  T s, c;
  small_sincos((turns - static_cast<T>(q)) * T(1.57079632679489662), &s, &c);
  const bool odd = q & 1;
  const T x = odd ? s : c, y = odd ? c : s;
  *z0 = r * ((q + 1) & 2 ? -x : x);
  *z1 = r * (q & 2 ? -y : y);
}

}  // namespace catena::formulas
