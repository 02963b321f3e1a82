// a * b + c with one rounding where the set has such an instruction; xsimd does not use that of
// AVX-512.
#pragma once

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {

template <class T>
CATENA_INLINE Batch<T> multiply_add(const Batch<T>& a, const Batch<T>& b, const Batch<T>& c) {
#if defined(CATENA_ISA_avx512)
  if constexpr (sizeof(T) == 4)
    return _mm512_fmadd_ps(a, b, c);
  else
    return _mm512_fmadd_pd(a, b, c);
#else
  return xsimd::fma(a, b, c);
#endif
}

}  // namespace catena::cpu::CATENA_ISA
