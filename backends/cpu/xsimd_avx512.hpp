// xsimd with better arithmetic for AVX-512: its own version 8 has no fused multiply-add there, which
// makes exp, log, tanh and erf slower. The overloads must come before xsimd's functions, which call
// them by qualified names.
#pragma once

#if defined(CATENA_ISA_avx512)
#include <xsimd/config/xsimd_arch.hpp>

namespace xsimd {
template <class T, class A>
class batch;
}
namespace xsimd::kernel {

#define CATENA_FUSED(name, intrinsic)                                                        \
  template <class A>                                                                         \
  inline batch<float, A> name(const batch<float, A>& x, const batch<float, A>& y,            \
                              const batch<float, A>& z, requires_arch<avx512f>) noexcept {   \
    return _mm512_##intrinsic##_ps(x, y, z);                                                 \
  }                                                                                          \
  template <class A>                                                                         \
  inline batch<double, A> name(const batch<double, A>& x, const batch<double, A>& y,         \
                               const batch<double, A>& z, requires_arch<avx512f>) noexcept { \
    return _mm512_##intrinsic##_pd(x, y, z);                                                 \
  }
CATENA_FUSED(fma, fmadd)
CATENA_FUSED(fms, fmsub)
CATENA_FUSED(fnma, fnmadd)
CATENA_FUSED(fnms, fnmsub)
#undef CATENA_FUSED

// xsimd's -x is 0 - x, which is +0 for +0.
template <class A>
inline batch<float, A> neg(const batch<float, A>& x, requires_arch<avx512f>) noexcept {
  return _mm512_xor_ps(x, _mm512_set1_ps(-0.0f));
}
template <class A>
inline batch<double, A> neg(const batch<double, A>& x, requires_arch<avx512f>) noexcept {
  return _mm512_xor_pd(x, _mm512_set1_pd(-0.0));
}

}  // namespace xsimd::kernel
#endif

#include <xsimd/xsimd.hpp>
