// Made from ops.def: an op has a row when a source of this folder defines row_<Op>(). On this
// device a missing row is allowed; the call then says so.
#include "catena/backends/cuda/kernel_table.hpp"

#include "catena/ops/all.hpp"

namespace catena::gpu {

#define CATENA_OP(Struct, name, stem) \
  [[gnu::weak, gnu::visibility("hidden")]] KernelRow row_##Struct();
#include "catena/ops/ops.def"
#undef CATENA_OP

const char* register_rows(const CoreApi& core) {
#define CATENA_OP(Struct, name, stem)                                                          \
  if (row_##Struct) {                                                                          \
    const KernelRow row = row_##Struct();                                                      \
    if (!core.register_row(#name, op::Struct::kVersion, sizeof(op::Struct), DeviceType::kCuda, \
                           &row))                                                              \
      return #name;                                                                            \
  }
#include "catena/ops/ops.def"
#undef CATENA_OP
  return nullptr;
}

}  // namespace catena::gpu
