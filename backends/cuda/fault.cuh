// How a kernel reports an index out of range: see Fault.
#pragma once

#include <cuda_runtime.h>

#include "catena/backends/cuda/runtime.hpp"

namespace catena::gpu {

__device__ inline void report(Fault* fault, FaultCode code, std::int64_t index, std::int64_t size) {
  if (atomicCAS_system(&fault->code, 0u, static_cast<unsigned>(code)) != 0u) return;
  fault->index = index;
  fault->size = size;
}

}  // namespace catena::gpu
