// The caching allocator of one device: freed blocks wait in a list per size class and are handed
// out again without a call to the driver. Correct without events because the device has one stream.
#pragma once

#include <cstddef>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "catena/graph/memory.hpp"

namespace catena::gpu {

// The bytes a request is rounded up to: four classes per power of two, 512 bytes at least; from
// 64 MiB on multiples of 2 MiB.
constexpr std::size_t rounded_bytes(std::size_t bytes) {
  constexpr std::size_t kSmallest = 512, kLarge = std::size_t{64} << 20,
                        kPage = std::size_t{2} << 20;
  if (bytes <= kSmallest) return kSmallest;
  if (bytes >= kLarge) return (bytes + kPage - 1) / kPage * kPage;
  std::size_t power = kSmallest;
  while (power * 2 < bytes) power *= 2;
  const std::size_t step = power / 4;
  return (bytes + step - 1) / step * step;
}

class Allocator {
 public:
  // The device must be current in allocate and release.
  void* allocate(std::size_t bytes, int device);
  void free(void* block, std::size_t bytes) noexcept;
  // Gives the cached blocks back to the driver. The stream must be idle.
  void release();
  MemoryStats stats();

 private:
  void release_locked();

  std::mutex mutex_;
  std::unordered_map<std::size_t, std::vector<void*>> free_blocks_;
  MemoryStats stats_;
};

}  // namespace catena::gpu
