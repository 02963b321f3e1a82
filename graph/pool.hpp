// The fast path of the CPU buffer cache, for the core's own objects: one list of free blocks per
// size class and thread. What it cannot answer goes to graph/memory.cpp.
#pragma once

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>

#include "catena/graph/thread_state.hpp"

// The address sanitizer sees blocks only when each comes from the system.
#if defined(__SANITIZE_ADDRESS__)
#define CATENA_POOL_OFF 1
#else
#define CATENA_POOL_OFF 0
#endif

namespace catena::detail::pool {

inline constexpr std::size_t kSmallBytes = 32 << 10;  // up to here blocks are cached per thread
inline constexpr int kSmallClasses = 8 + 6 * 4;       // 512 B doubles six times up to 32 KiB

// Number of the smallest size class that holds `bytes`, and the bytes a class holds.
inline int size_class_of(std::size_t bytes) {
  if (bytes <= 512) return static_cast<int>((bytes + 63) / 64) - (bytes != 0);
  const std::size_t b = bytes - 1;
  const int e = 63 - std::countl_zero(b);
  return 8 + (e - 9) * 4 + static_cast<int>(b >> (e - 2)) - 4;
}
inline std::size_t size_class_bytes(int k) {
  if (k < 8) return static_cast<std::size_t>(k + 1) * 64;
  const int e = 9 + (k - 8) / 4;
  return static_cast<std::size_t>((k - 8) % 4 + 5) << (e - 2);
}

struct FreeBlock {
  FreeBlock* next;
};

// Written by one thread and read by memory_stats, hence a relaxed atomic without a lock.
struct Counter {
  std::atomic<std::uint64_t> value{0};
  void add(std::uint64_t n) {
    value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
};

struct ThreadCache {
  struct Class {
    FreeBlock* head = nullptr;
    std::uint32_t count = 0, limit = 0;
    Counter allocated, freed;  // blocks
  };
  Class classes[kSmallClasses];
};
extern thread_local constinit ThreadCache* thread_cache CATENA_TLS;

void* allocate_slow(std::size_t bytes, int size_class);
void free_slow(void* block, int size_class) noexcept;

// As pool_allocate and pool_free in graph/memory.hpp.
inline void* allocate(std::size_t bytes, std::uint8_t* size_class) {
  const int k = size_class_of(bytes);
  *size_class = static_cast<std::uint8_t>(k);
  if (!CATENA_POOL_OFF && k < kSmallClasses && thread_cache) [[likely]] {
    ThreadCache::Class& c = thread_cache->classes[k];
    if (FreeBlock* block = c.head) [[likely]] {
      c.head = block->next;
      --c.count;
      c.allocated.add(1);
      return block;
    }
  }
  return allocate_slow(bytes, k);
}

inline void free(void* p, std::uint8_t size_class) noexcept {
  if (!CATENA_POOL_OFF && size_class < kSmallClasses && thread_cache) [[likely]] {
    ThreadCache::Class& c = thread_cache->classes[size_class];
    if (c.count < c.limit) [[likely]] {
      auto* block = static_cast<FreeBlock*>(p);
      block->next = c.head;
      c.head = block;
      ++c.count;
      c.freed.add(1);
      return;
    }
  }
  free_slow(p, size_class);
}

}  // namespace catena::detail::pool
