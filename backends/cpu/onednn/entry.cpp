// The one function that libcatena_onednn.so exports, and matrix products.
#include "catena/backends/cpu/onednn/entry.hpp"

#include <oneapi/dnnl/dnnl.h>

namespace catena::cpu {
namespace {

int sgemm(char ta, char tb, std::int64_t m, std::int64_t n, std::int64_t k, float alpha,
          const float* a, std::int64_t lda, const float* b, std::int64_t ldb, float beta, float* c,
          std::int64_t ldc) {
  const OneThread one;
  return dnnl_sgemm(ta, tb, m, n, k, alpha, a, lda, b, ldb, beta, c, ldc);
}

}  // namespace
}  // namespace catena::cpu

extern "C" __attribute__((visibility("default"))) bool catena_onednn_entry(
    catena::cpu::OneDnnApi* api) {
  using catena::cpu::OneDnnApi;
  if (api->version != OneDnnApi::kVersion || api->part_bytes != sizeof(catena::cpu::ConvPart))
    return false;
  api->sgemm = catena::cpu::sgemm;
  catena::cpu::fill_convolution(*api);
  return true;
}
