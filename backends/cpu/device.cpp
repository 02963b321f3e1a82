#include "catena/ops/device.hpp"

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {

KernelRow row_ToDevice() {
  KernelRow row;
  row.forward = detail::transfer;
  row.dtypes = kAllTypes;
  return row;
}

}  // namespace catena::cpu::CATENA_ISA
