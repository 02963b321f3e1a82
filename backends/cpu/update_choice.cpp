// Picks the optimizer kernels of the instruction set in use.
#include <string_view>

#include "catena/backends/cpu/kernel_table.hpp"
#include "catena/backends/cpu/update.hpp"

namespace catena::cpu {

namespace {
UpdateTable choose() {
  [[maybe_unused]] const std::string_view isa = instruction_set();
  UpdateTable table;
#ifdef CATENA_HAS_ISA_baseline
  if (isa == "baseline") baseline::fill_updates(&table);
#endif
#ifdef CATENA_HAS_ISA_avx2
  if (isa == "avx2") avx2::fill_updates(&table);
#endif
#ifdef CATENA_HAS_ISA_avx512
  if (isa == "avx512") avx512::fill_updates(&table);
#endif
  return table;
}

const UpdateTable& table() {
  static const UpdateTable chosen = choose();
  return chosen;
}
}  // namespace

void adam_update(float* p, const float* g, float* m, float* v, float* max_v, std::int64_t n,
                 const AdamUpdate& u) {
  table().adam_float(p, g, m, v, max_v, n, u);
}
void adam_update(double* p, const double* g, double* m, double* v, double* max_v, std::int64_t n,
                 const AdamUpdate& u) {
  table().adam_double(p, g, m, v, max_v, n, u);
}
void sgd_update(float* p, const float* g, float* b, std::int64_t n, const SgdUpdate& u) {
  table().sgd_float(p, g, b, n, u);
}
void sgd_update(double* p, const double* g, double* b, std::int64_t n, const SgdUpdate& u) {
  table().sgd_double(p, g, b, n, u);
}

}  // namespace catena::cpu
