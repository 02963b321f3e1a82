#include "catena/ops/device.hpp"

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {

KernelRow row_ToDevice() { return {.forward = detail::transfer, .dtypes = kAllTypes}; }

}  // namespace catena::cpu::CATENA_ISA
