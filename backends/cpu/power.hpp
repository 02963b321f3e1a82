// a^b on batches with IEEE's special values, within one unit in the last place. Included before the
// formulas, which look it up by name.
#pragma once

#include "catena/backends/cpu/batch_polynomial.hpp"

namespace catena::formula::CATENA_ISA {

using Doubles = Lanes<double>;
using Words = Lanes<std::uint64_t>;

// Without the lower half of the bits: products of two such numbers are exact.
CATENA_INLINE Doubles upper_half(const Doubles& x) {
  return xsimd::bitwise_cast<Doubles>(xsimd::bitwise_cast<Words>(x) &
                                      Words(std::uint64_t{0xffffffff00000000}));
}

// The bits of a number that is added to 2^52 + 1023 or subtracted from it are an exponent's.
constexpr double kExponentBits = 4503599627370496.0 + 1023;

// 2^n for whole n in [-1022, 1023].
CATENA_INLINE Doubles power_of_two(const Doubles& n) {
  return xsimd::bitwise_cast<Doubles>(xsimd::bitwise_cast<Words>(n + Doubles(kExponentBits)) << 52);
}

// A normal x as 2^n m with m in [top / 2, top).
struct Binary {
  Doubles n, m;
  CATENA_INLINE Binary(const Doubles& x, double top) {
    const Doubles one(1);
    const Words bits = xsimd::bitwise_cast<Words>(x);
    n = xsimd::bitwise_cast<Doubles>((bits >> 52) | Words(std::uint64_t{0x4330000000000000})) -
        Doubles(kExponentBits);
    m = xsimd::bitwise_cast<Doubles>((bits & Words(std::uint64_t{0x000fffffffffffff})) |
                                     xsimd::bitwise_cast<Words>(one));
    const auto large = m >= Doubles(top);
    n = xsimd::select(large, n + one, n);
    m = xsimd::select(large, m * Doubles(0.5), m);
  }
};

// x^b is y unless x is 0 or infinite or the exponent of the result is not within `limit`.
CATENA_INLINE Doubles with_limits(const Doubles& y, const Doubles& x, const Doubles& b,
                                  const Doubles& log2_x, double limit) {
  const Doubles none(0), inf = xsimd::constants::infinity<Doubles>();
  const Doubles log2 = xsimd::select(x == none, -inf, xsimd::select(x < inf, log2_x, x));
  const Doubles exponent = b * log2;  // NaN where one of both is
  const Doubles far = xsimd::select(exponent > none, inf, none);
  return xsimd::select(xsimd::abs(exponent) < Doubles(limit), y,
                       xsimd::select(exponent == exponent, far, exponent));
}

// x^b for x >= 0: 2^(b log2 x), the logarithm and the product in two parts (fdlibm's scheme and
// coefficients).
CATENA_INLINE Doubles positive_power(const Doubles& x, const Doubles& b) {
  using B = Doubles;
  const B one(1);
  const auto subnormal = x < B(2.2250738585072014e-308);
  const Binary parts(xsimd::select(subnormal, x * B(18014398509481984.0), x), 1.7320508075688772);
  const B n = xsimd::select(subnormal, parts.n - B(54), parts.n), m = parts.m;
  // s = (m - c) / (m + c), log2 m = log2 c + 2 / ln 2 atanh s.
  const auto middle = m >= B(1.2247448713915890);
  const B centre = xsimd::select(middle, B(1.5), one);
  const B log_high = xsimd::select(middle, B(5.84962487220764160156e-01), B(0));
  const B log_low = xsimd::select(middle, B(1.35003920212974897128e-08), B(0));
  const B difference = m - centre, inverse = one / (m + centre), s = difference * inverse;
  const B s_high = upper_half(s), total = upper_half(m + centre), rest = m - (total - centre);
  const B s_low = inverse * ((difference - s_high * total) - s_high * rest);
  const B z = s * s, square = s_high * s_high;
  const B series = z * z *
                       polynomial<double>(z, 5.99999999999994648725e-01, 4.28571428578550184252e-01,
                                          3.33333329818377432918e-01, 2.72728123808534006489e-01,
                                          2.30660745775561754067e-01, 2.06975017800338417784e-01) +
                   s_low * (s_high + s);
  const B factor = upper_half(B(3) + square + series);
  const B factor_low = series - ((factor - B(3)) - square);
  const B u = s_high * factor, v = s_low * factor + factor_low * s;
  const B p = upper_half(u + v), p_low = v - (p - u);
  const B w = B(9.61796700954437255859e-01) * p;  // 2 / (3 ln 2) in two parts
  const B w_low =
      B(-7.02846165095275826516e-09) * p + p_low * B(9.61796693925975554329e-01) + log_low;
  const B log2 = upper_half(((w + w_low) + log_high) + n);
  const B log2_low = w_low - (((log2 - n) - log_high) - w);
  // b log2 x = k + r with whole k and r in [-1/2, 1/2].
  const B b_high = upper_half(b), e = b_high * log2, e_low = (b - b_high) * log2 + b * log2_low;
  const B k = xsimd::nearbyint(e + e_low), near = e - k, r = upper_half(e_low + near);
  const B t = r * B(6.93147182464599609375e-01);  // ln 2 in two parts
  const B t_low =
      (e_low - (r - near)) * B(6.93147180559945286227e-01) + r * B(-1.90465429995776804525e-09);
  const B q = t + t_low, q_low = t_low - (q - t), q2 = q * q;
  const B even =
      q - q2 * polynomial<double>(q2, 1.66666666666666019037e-01, -2.77777777770155933842e-03,
                                  6.61375632143793436117e-05, -1.65339022054652515390e-06,
                                  4.13813679705723846039e-08);
  const B y = one - (((q * even) / (even - B(2)) - (q_low + q * q_low)) - q);
  const B half = xsimd::nearbyint(k * B(0.5));  // 2^k alone may be out of range
  return with_limits(y * power_of_two(half) * power_of_two(k - half), x, b, log2, 1100);
}

// The same for numbers of float32, to some 30 bits: the series of atanh and e^x.
CATENA_INLINE Doubles short_power(const Doubles& x, const Doubles& b) {
  using B = Doubles;
  const Binary parts(x, 1.4142135623730951);
  const B s = (parts.m - B(1)) / (parts.m + B(1));
  constexpr double c = 2.88539008177792681;  // 2 / ln 2
  const B log2 =
      parts.n + s * polynomial<double>(s * s, c, c / 3, c / 5, c / 7, c / 9, c / 11, c / 13);
  const B e = b * log2, k = xsimd::nearbyint(e), r = (e - k) * B(0.693147180559945309);
  const B y = polynomial<double>(r, 1, 1, 1.0 / 2, 1.0 / 6, 1.0 / 24, 1.0 / 120, 1.0 / 720,
                                 1.0 / 5040, 1.0 / 40320);
  return with_limits(y * power_of_two(k), x, b, log2, 1000);
}

// A batch of float32 has two halves.
typedef float HalfFloats __attribute__((vector_size(4 * Doubles::size)));
typedef float Floats __attribute__((vector_size(8 * Doubles::size)));
typedef double WideHalf __attribute__((vector_size(8 * Doubles::size)));

CATENA_INLINE HalfFloats positive_power(HalfFloats x, HalfFloats b) {
  using Register = Doubles::register_type;
  const Doubles base(reinterpret_cast<Register>(__builtin_convertvector(x, WideHalf)));
  const Doubles exponent(reinterpret_cast<Register>(__builtin_convertvector(b, WideHalf)));
  const Register y = short_power(base, exponent);
  return __builtin_convertvector(reinterpret_cast<WideHalf>(y), HalfFloats);
}
template <int... I>
CATENA_INLINE Lanes<float> positive_power(const Lanes<float>& x, const Lanes<float>& b,
                                          std::integer_sequence<int, I...>) {
  constexpr int n = sizeof...(I);
  using Register = Lanes<float>::register_type;
  const Floats u = reinterpret_cast<Floats>(static_cast<Register>(x));
  const Floats v = reinterpret_cast<Floats>(static_cast<Register>(b));
  const HalfFloats low =
      positive_power(__builtin_shufflevector(u, u, I...), __builtin_shufflevector(v, v, I...));
  const HalfFloats high = positive_power(__builtin_shufflevector(u, u, (I + n)...),
                                         __builtin_shufflevector(v, v, (I + n)...));
  const Floats y = __builtin_shufflevector(low, high, I..., (I + n)...);
  return Lanes<float>(reinterpret_cast<Register>(y));
}
CATENA_INLINE Lanes<float> positive_power(const Lanes<float>& x, const Lanes<float>& b) {
  return positive_power(x, b, std::make_integer_sequence<int, Doubles::size>{});
}

template <class T>
CATENA_INLINE Lanes<T> power(const Lanes<T>& a, const Lanes<T>& b) {
  using B = Lanes<T>;
  const B zero(T(0)), one(T(1)), x = xsimd::abs(a);
  // The common exponents are exact, and fast where they are alone.
  const auto square = b == B(T(2)), cube = b == B(T(3)), inverse = b == -one, root = b == B(T(0.5)),
             common = b == one || square || cube || inverse || root;
  B y = x;
  if (!xsimd::all(common)) y = xsimd::select(common, x, positive_power(x, b));
  if (xsimd::any(common)) {
    y = xsimd::select(square, x * x, y);
    y = xsimd::select(cube, x * x * x, y);
    y = xsimd::select(inverse, one / x, y);
    y = xsimd::select(root, xsimd::sqrt(x), y);
  }
  const B half = b * B(T(0.5));
  const auto whole = xsimd::nearbyint(b) == b, even = xsimd::nearbyint(half) == half;
  y = xsimd::select(whole && !even, y | xsimd::bitofsign(a), y);
  y = xsimd::select(a < zero && !xsimd::isinf(a) && !whole, xsimd::constants::nan<B>(), y);
  return xsimd::select(b == zero || a == one || (x == one && xsimd::isinf(b)), one, y);
}

}  // namespace catena::formula::CATENA_ISA
