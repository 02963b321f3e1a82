#include "catena/backends/cpu/product.hpp"

#include <cblas.h>
#include <dlfcn.h>

#include <algorithm>
#include <string_view>

#include "catena/backends/cpu/parallel.hpp"

namespace catena::cpu {
namespace {

using DnnlSgemm = int (*)(char, char, std::int64_t, std::int64_t, std::int64_t, float, const float*,
                          std::int64_t, const float*, std::int64_t, float, float*, std::int64_t);

// oneDNN is loaded when the first product comes that it does better; without it OpenBLAS does all.
// Its OpenMP runs one thread per call: our own pool shares out the work, and libgomp's barriers
// cost milliseconds when a core is busy.
struct OneDnn {
  DnnlSgemm sgemm = nullptr;
  void (*set_threads)(int) = nullptr;
  int (*get_threads)() = nullptr;
  OneDnn() {
    for (const char* name : {"libdnnl.so.3", "libdnnl.so.2", "libdnnl.so"}) {
      void* library = ::dlopen(name, RTLD_NOW | RTLD_LOCAL);
      if (!library) continue;
      sgemm = reinterpret_cast<DnnlSgemm>(::dlsym(library, "dnnl_sgemm"));
      set_threads = reinterpret_cast<void (*)(int)>(::dlsym(library, "omp_set_num_threads"));
      get_threads = reinterpret_cast<int (*)()>(::dlsym(library, "omp_get_max_threads"));
      if (!set_threads || !get_threads) sgemm = nullptr;
      return;
    }
  }
};
const OneDnn& onednn() {
  static const OneDnn library;
  return library;
}

// From here oneDNN's sgemm is faster; below, its fixed cost of 0.3 us is not worth it. An OpenBLAS
// that is older than the processor falls back to kernels without AVX, five times slower (16x128x256:
// 33 against 200 GFLOP/s): then oneDNN does all but small products, where the slower kernels lose a
// few microseconds a call, because a program that has no other must not pay for loading it.
double onednn_flops() {
  static const double flops = [] {
    const std::string_view core = openblas_get_corename();
    const bool blind = __builtin_cpu_supports("avx2") &&
                       (core == "Prescott" || core == "Core2" || core == "Nehalem" ||
                        core == "Generic" || core == "Atom");
    return blind ? 2e5 : 2e6;
  }();
  return flops;
}

// A product is cut into panels from here on, by its shape alone, so that the bits do not depend on
// the thread count.
constexpr double kPanelFlops = 6.4e7;

void sgemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
           const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
           std::int64_t ldc) {
  const double flops =
      2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  if (flops >= onednn_flops() && onednn().sgemm) {
    const OneDnn& d = onednn();
    const int before = d.get_threads();
    d.set_threads(1);
    const int status =
        d.sgemm(ta ? 'T' : 'N', tb ? 'T' : 'N', m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
    d.set_threads(before);
    if (status == 0) return;
  }
  const auto i = [](std::int64_t v) { return static_cast<blasint>(v); };
  if (m == 1 && (ta ? lda == 1 : true)) {
    cblas_sgemv(CblasRowMajor, tb ? CblasNoTrans : CblasTrans, i(tb ? n : k), i(tb ? k : n), alpha,
                b, i(ldb), a, 1, beta, c, 1);
    return;
  }
  cblas_sgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, i(m),
              i(n), i(k), alpha, a, i(lda), b, i(ldb), beta, c, i(ldc));
}

template <class T>
void scale(T* c, std::int64_t m, std::int64_t n, std::int64_t ldc, T beta) {
  for (std::int64_t r = 0; r < m; ++r)
    for (std::int64_t j = 0; j < n; ++j) c[r * ldc + j] = beta == 0 ? T(0) : beta * c[r * ldc + j];
}

}  // namespace

void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
          std::int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) return scale(c, m, n, ldc, beta);
  const double flops =
      2.0 * static_cast<double>(m) * static_cast<double>(n) * static_cast<double>(k);
  const std::int64_t panels =
      std::min<std::int64_t>(16, static_cast<std::int64_t>(flops / kPanelFlops));
  const bool by_rows = m >= n;
  const std::int64_t length = by_rows ? m : n;
  if (panels < 2 || length < 64) return sgemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
  const std::int64_t grain = (length / panels + 31) / 32 * 32;
  auto body = [&](std::int64_t begin, std::int64_t end) {
    if (by_rows)
      sgemm(ta, tb, end - begin, n, k, alpha, a + begin * (ta ? 1 : lda), lda, b, ldb, beta,
            c + begin * ldc, ldc);
    else
      sgemm(ta, tb, m, end - begin, k, alpha, a, lda, b + begin * (tb ? ldb : 1), ldb, beta,
            c + begin, ldc);
  };
  parallel_for(
      length, grain,
      [](void* context, std::int64_t begin, std::int64_t end) {
        (*static_cast<decltype(body)*>(context))(begin, end);
      },
      &body);
}

void gemm(bool ta, bool tb, std::int64_t m, std::int64_t n, std::int64_t k, double alpha,
          const double* a, std::int64_t lda, const double* b, std::int64_t ldb, double beta,
          double* c, std::int64_t ldc) {
  if (m == 0 || n == 0) return;
  if (k == 0) return scale(c, m, n, ldc, beta);
  const auto i = [](std::int64_t v) { return static_cast<blasint>(v); };
  cblas_dgemm(CblasRowMajor, ta ? CblasTrans : CblasNoTrans, tb ? CblasTrans : CblasNoTrans, i(m),
              i(n), i(k), alpha, a, i(lda), b, i(ldb), beta, c, i(ldc));
}

}  // namespace catena::cpu
