// Picks the optimizer kernels of the instruction set in use.
#include <string_view>

#include "catena/backends/cpu/kernel_table.hpp"
#include "catena/backends/cpu/update.hpp"

namespace catena::cpu {

namespace {
UpdateTables choose() {
  [[maybe_unused]] const std::string_view isa = instruction_set();
  UpdateTables tables;
#ifdef CATENA_HAS_ISA_baseline
  if (isa == "baseline") baseline::fill_updates(&tables);
#endif
#ifdef CATENA_HAS_ISA_avx2
  if (isa == "avx2") avx2::fill_updates(&tables);
#endif
#ifdef CATENA_HAS_ISA_avx512
  if (isa == "avx512") avx512::fill_updates(&tables);
#endif
  return tables;
}
}  // namespace

const UpdateTables& update_tables() {
  static const UpdateTables chosen = choose();
  return chosen;
}

}  // namespace catena::cpu
