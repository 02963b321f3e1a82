// The CPU buffer cache: size classes, a small cache per thread in front of shared lists, huge pages
// for large blocks. Blocks may be freed by another thread than the one that took them.
#pragma once

#include <cstddef>
#include <cstdint>

#include "catena/graph/device.hpp"

namespace catena {

// Bytes unless said otherwise.
struct MemoryStats {
  std::uint64_t in_use = 0;        // handed out now, rounded up to the size class
  std::uint64_t cached = 0;        // freed and kept for reuse
  std::uint64_t peak = 0;          // most ever in use since reset_peak_memory (blocks over 32 KiB)
  std::uint64_t allocations = 0;   // count of requests
  std::uint64_t system_calls = 0;  // count of requests the cache could not answer
};

MemoryStats memory_stats(Device device = kCpu);
void reset_peak_memory(Device device = kCpu);
// Gives the cached blocks of the calling thread and all shared ones back to the system.
void release_cached_memory(Device device = kCpu);
// Blocks of the CPU over 32 KiB that are in use and cached shall not exceed this together: cached
// ones go back to the system first. At start four fifths of the machine's memory, or of what the
// process's control group allows.
void set_memory_limit(std::uint64_t bytes);

namespace detail {

// A block of at least `bytes`, 64-byte aligned; `*size_class` must be handed back to pool_free.
// Throws SystemError when the system has no memory.
void* pool_allocate(std::size_t bytes, std::uint8_t* size_class);
void pool_free(void* block, std::uint8_t size_class) noexcept;

}  // namespace detail
}  // namespace catena
