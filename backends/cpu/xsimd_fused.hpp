// xsimd with the fused multiply-add of AVX-512: its own version 8 multiplies and adds there, which
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

}  // namespace xsimd::kernel
#endif

#include <xsimd/xsimd.hpp>
