// OpenBLAS, loaded at run time so that it can be told two things before it starts. Not a public
// header.
#pragma once

#include <cblas.h>

namespace catena::cpu {

struct OpenBlas {
  decltype(&cblas_sgemm) sgemm = nullptr;
  decltype(&cblas_dgemm) dgemm = nullptr;
  decltype(&cblas_sgemv) sgemv = nullptr;
  decltype(&cblas_dgemv) dgemv = nullptr;
  // Whether its kernels use what the processor has (AVX).
  bool fits_processor = false;
};

// Throws SystemError when there is none.
const OpenBlas& openblas();

}  // namespace catena::cpu
