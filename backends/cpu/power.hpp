// a^b on batches with IEEE's special values, which xsimd::pow misses (0^0, 0^-1, NaN^0, 1^NaN), and
// with the common exponents exact. Included before the formulas, which look it up by name.
#pragma once

#include "catena/backends/cpu/kernel.hpp"

namespace catena::formula::CATENA_ISA {

template <class T>
CATENA_INLINE xsimd::batch<T, cpu::CATENA_ISA::Arch> power(
    const xsimd::batch<T, cpu::CATENA_ISA::Arch>& a,
    const xsimd::batch<T, cpu::CATENA_ISA::Arch>& b) {
  using B = xsimd::batch<T, cpu::CATENA_ISA::Arch>;
  const B zero(T(0)), one(T(1)), x = xsimd::abs(a);
  B y = xsimd::exp(b * xsimd::log(x));
  y = xsimd::select(b == one, x, y);
  y = xsimd::select(b == B(T(2)), x * x, y);
  y = xsimd::select(b == B(T(3)), x * x * x, y);
  y = xsimd::select(b == B(T(-1)), one / x, y);
  y = xsimd::select(b == B(T(0.5)), xsimd::sqrt(x), y);
  const auto negative = a < zero || one / a < zero;  // the latter for -0
  y = xsimd::select(negative && xsimd::is_odd(b), -y, y);
  y = xsimd::select(a < zero && !xsimd::isinf(a) && !(xsimd::is_flint(b) || xsimd::isinf(b)),
                    xsimd::constants::nan<B>(), y);
  return xsimd::select(b == zero || a == one || (x == one && xsimd::isinf(b)), one, y);
}

}  // namespace catena::formula::CATENA_ISA
