#include "catena/backends/cpu/product.hpp"

#include <algorithm>

#include "catena/backends/cpu/blas.hpp"
#include "catena/backends/cpu/onednn_api.hpp"
#include "catena/backends/cpu/parallel.hpp"

namespace catena::cpu {
namespace {

// From here oneDNN's sgemm is faster. Below, OpenBLAS has kernels that pack nothing; those for a
// transposed right factor end at half the size, where the others take up to ten times as long
// (2x1024x256: 98 us, oneDNN 9.5). With an OpenBLAS that runs kernels without AVX oneDNN does all
// but small products, where the slower kernels lose a few microseconds a call, because a program
// that has no other must not pay for loading it.
double onednn_flops(bool transpose_b) {
  if (!openblas().fits_processor) return 2e5;
  return transpose_b ? 1e6 : 2e6;
}

// Panels have at least kPanelFlops operations and this many rows or columns, by the product's shape
// alone, so that the bits do not depend on the thread count. Their number is a power of 2: three
// panels would take two threads as long as four.
constexpr std::int64_t kPanelLength = 64;
constexpr std::int64_t kMaxPanels = 16;

std::int64_t panels_of(double flops, std::int64_t length) {
  std::int64_t panels = 1;
  while (panels < kMaxPanels && flops >= kPanelFlops * 2 * static_cast<double>(panels) &&
         length >= kPanelLength * 2 * panels)
    panels *= 2;
  return panels;
}

double flops_of(std::int64_t m, std::int64_t n, std::int64_t k) {
  return 2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
}

// False where oneDNN is not there, not for this type, or not worth it.
bool onednn_gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
                 const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta,
                 float* c, std::int64_t ldc) {
  if (flops_of(m, n, k) < onednn_flops(tb) || !onednn()) return false;
  return onednn()->sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, c,
                         ldc) == 0;
}
bool onednn_gemm(bool, bool, std::int64_t, std::int64_t, std::int64_t, double, const double*,
                 std::int64_t, const double*, std::int64_t, double, double*, std::int64_t) {
  return false;
}

auto gemv_of(const OpenBlas& blas, float) { return blas.sgemv; }
auto gemv_of(const OpenBlas& blas, double) { return blas.dgemv; }
auto gemm_of(const OpenBlas& blas, float) { return blas.sgemm; }
auto gemm_of(const OpenBlas& blas, double) { return blas.dgemm; }

template <class T>
void panel(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha, const T* a,
           std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c, std::int64_t ldc) {
  if (onednn_gemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc)) return;
  const auto i = [](std::int64_t v) { return static_cast<blasint>(v); };
  const OpenBlas& blas = openblas();
  if (m == 1 && (!ta || lda == 1)) {
    gemv_of(blas, T())(CblasRowMajor, tb ? CblasNoTrans : CblasTrans, i(tb ? n : k), i(tb ? k : n),
                       alpha, b, i(ldb), a, 1, beta, c, 1);
    return;
  }
  gemm_of(blas, T())(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans,
                     i(m), i(n), i(k), alpha, a, i(lda), b, i(ldb), beta, c, i(ldc));
}

template <class T>
void scale(T* c, std::int64_t m, std::int64_t n, std::int64_t ldc, T beta) {
  for (std::int64_t r = 0; r < m; ++r)
    for (std::int64_t j = 0; j < n; ++j) c[r * ldc + j] = beta == 0 ? T(0) : beta * c[r * ldc + j];
}

template <class T>
void gemm_in_panels(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, T alpha,
                    const T* a, std::int64_t lda, const T* b, std::int64_t ldb, T beta, T* c,
                    std::int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) return scale(c, m, n, ldc, beta);
  const bool by_rows = m >= n;
  const std::int64_t length = by_rows ? m : n;
  const std::int64_t panels = panels_of(flops_of(m, n, k), length);
  if (panels == 1) return panel(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  const std::int64_t grain = ((length + panels - 1) / panels + 31) / 32 * 32;
  auto body = [&](std::int64_t begin, std::int64_t end) {
    if (by_rows)
      panel(ta, tb, end - begin, n, k, alpha, a + begin * (ta ? 1 : lda), lda, b, ldb, beta,
            c + begin * ldc, ldc);
    else
      panel(ta, tb, m, end - begin, k, alpha, a, lda, b + begin * (tb ? ldb : 1), ldb, beta,
            c + begin, ldc);
  };
  parallel_for(
      length, grain,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<decltype(body)*>(context))(begin, end);
      },
      &body);
}

}  // namespace

void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
          std::int64_t ldc) {
  gemm_in_panels(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}
void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
          const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double beta,
          double* c, std::int64_t ldc) {
  gemm_in_panels(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

}  // namespace catena::cpu
