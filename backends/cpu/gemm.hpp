// Single-threaded matrix products of our own, one set per instruction set.
//
// Every element is one chain of fused multiply-adds over k, in blocks of kGemmDepth that are added
// in order, so its bits depend on k alone: not on where in the matrix it stands, nor on how
// product.cpp cuts the matrix into panels. Products with a vector on the left have an order of
// their own.
#pragma once

#include <cstdint>

namespace catena::cpu {

inline constexpr std::int64_t kGemmDepth = 256;

// As gemm() of product.hpp, for m, n, k > 0.
template <class T>
using GemmFn = void (*)(bool transpose_a, bool transpose_b, std::int64_t m, std::int64_t n,
                        std::int64_t k, T alpha, const T* a, std::int64_t lda, const T* b,
                        std::int64_t ldb, T beta, T* c, std::int64_t ldc);

struct GemmTable {
  GemmFn<float> f32 = nullptr;
  GemmFn<double> f64 = nullptr;
};

namespace baseline {
void fill_gemm(GemmTable* table);
}
namespace avx2 {
void fill_gemm(GemmTable* table);
}
namespace avx512 {
void fill_gemm(GemmTable* table);
}

}  // namespace catena::cpu
