#include "catena/backends/cuda/allocator.hpp"

#include "catena/backends/cuda/runtime.hpp"

namespace catena::gpu {

void* Allocator::allocate(std::size_t bytes, int device) {
  const std::size_t size = rounded_bytes(bytes);
  const std::lock_guard lock(mutex_);
  ++stats_.allocations;
  void* block = nullptr;
  std::vector<void*>& list = free_blocks_[size];
  if (!list.empty()) {
    block = list.back();
    list.pop_back();
    stats_.cached -= size;
  } else {
    ++stats_.system_calls;
    cudaError_t error = cudaMalloc(&block, size);
    if (error == cudaErrorMemoryAllocation && stats_.cached > 0) {
      cudaGetLastError();
      CATENA_CUDA(cudaDeviceSynchronize());
      release_locked();
      error = cudaMalloc(&block, size);
    }
    if (error == cudaErrorMemoryAllocation) {
      cudaGetLastError();
      std::size_t available = 0, total = 0;
      cudaMemGetInfo(&available, &total);
      fail(ErrorKind::kSystem,
           "[cuda] out of memory on cuda:%d: %zu bytes asked for, %llu in use by tensors, %zu of "
           "%zu free on the device; use a smaller batch or drop tensors you no longer need",
           device, bytes, static_cast<unsigned long long>(stats_.in_use), available, total);
    }
    CATENA_CUDA(error);
  }
  stats_.in_use += size;
  if (stats_.in_use > stats_.peak) stats_.peak = stats_.in_use;
  return block;
}

void Allocator::free(void* block, std::size_t bytes) noexcept {
  const std::size_t size = rounded_bytes(bytes);
  const std::lock_guard lock(mutex_);
  stats_.in_use -= size;
  stats_.cached += size;
  free_blocks_[size].push_back(block);
}

void Allocator::release() {
  const std::lock_guard lock(mutex_);
  release_locked();
}

void Allocator::release_locked() {
  for (auto& [size, list] : free_blocks_) {
    while (!list.empty()) {
      CATENA_CUDA(cudaFree(list.back()));
      list.pop_back();
      stats_.cached -= size;
    }
  }
}

MemoryStats Allocator::stats() {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace catena::gpu
