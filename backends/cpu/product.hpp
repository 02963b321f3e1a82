// Matrix products on row-major memory through OpenBLAS or oneDNN, by size.
#pragma once

#include <cstdint>

namespace catena::cpu {

// A product of at least twice this many operations is cut into panels and shared out to threads.
inline constexpr double kPanelFlops = 1.2e7;

// C = alpha * op(A) op(B) + beta * C, C [m, n], op(A) [m, k], op(B) [k, n]; leading dimensions are
// distances between rows in elements. op transposes when the flag is set.
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          float alpha, const float* a, std::int64_t lda, const float* b, std::int64_t ldb,
          float beta, float* c, std::int64_t ldc);
void gemm(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n, std::int64_t k,
          double alpha, const double* a, std::int64_t lda, const double* b, std::int64_t ldb,
          double beta, double* c, std::int64_t ldc);

}  // namespace catena::cpu
