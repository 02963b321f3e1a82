#include "catena/graph/memory.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <cstdlib>
#include <mutex>
#include <vector>

#include <fmt/format.h>

#include "catena/graph/backend.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/thread_state.hpp"

#if defined(__SANITIZE_ADDRESS__)
#define CATENA_POOL_OFF 1
#else
#define CATENA_POOL_OFF 0
#endif

namespace catena {
namespace detail {
namespace {

constexpr int kNumClasses = 168;
constexpr std::size_t kSmallBytes = 32 << 10;    // up to here blocks are cached per thread
constexpr std::size_t kHugeBytes = 2 << 20;      // from here blocks ask for huge pages
constexpr std::size_t kThreadBytes = 512 << 10;  // cached per class and thread
constexpr std::size_t kChunkBytes = 64 << 10;    // small blocks are cut from chunks of this size

struct FreeBlock {
  FreeBlock* next;
};
struct Chain {
  FreeBlock* head = nullptr;
  std::uint32_t count = 0;
};

constexpr int kSmallClasses = 8 + 6 * 4;  // 512 B doubles six times up to 32 KiB

// Counters are written by one thread and read by memory_stats, hence relaxed atomics without locks.
struct Counter {
  std::atomic<std::uint64_t> value{0};
  void add(std::uint64_t n) {
    value.store(value.load(std::memory_order_relaxed) + n, std::memory_order_relaxed);
  }
};

struct ThreadCache {
  Chain free[kSmallClasses];
  std::uint32_t limit[kSmallClasses];
  Counter allocations, bytes_allocated, bytes_freed;
};

struct Central {
  std::mutex mutex;
  std::vector<Chain> small[kSmallClasses];
  std::vector<FreeBlock*> large[kNumClasses];
  std::vector<ThreadCache*> threads;
  std::uint64_t gone_allocations = 0, gone_allocated = 0, gone_freed = 0;  // of ended threads
  std::uint64_t large_allocations = 0, large_in_use = 0, peak = 0;
  std::uint64_t cached_large = 0, small_reserved = 0, system_calls = 0;
};
// Leaked on purpose: tensors in static storage may be freed after any destructor of ours.
Central& central() {
  static Central* c = new Central;
  return *c;
}

thread_local constinit ThreadCache* thread_cache CATENA_TLS = nullptr;
thread_local constinit bool thread_ended CATENA_TLS = false;

void flush(ThreadCache& cache, int k, std::uint32_t keep) {
  Chain& chain = cache.free[k];
  if (chain.count <= keep) return;
  Chain out{chain.head, chain.count - keep};
  FreeBlock* last = chain.head;
  for (std::uint32_t i = 1; i < out.count; ++i) last = last->next;
  chain.head = last->next;
  chain.count = keep;
  last->next = nullptr;
  std::lock_guard lock(central().mutex);
  central().small[k].push_back(out);
}

struct ThreadCacheOwner {
  ThreadCache* cache = nullptr;
  ~ThreadCacheOwner() {
    if (!cache) return;
    for (int k = 0; k < kSmallClasses; ++k) flush(*cache, k, 0);
    Central& c = central();
    std::lock_guard lock(c.mutex);
    c.gone_allocations += cache->allocations.value;
    c.gone_allocated += cache->bytes_allocated.value;
    c.gone_freed += cache->bytes_freed.value;
    std::erase(c.threads, cache);
    thread_cache = nullptr;
    thread_ended = true;
    delete cache;
  }
};

ThreadCache* new_thread_cache() {
  if (thread_ended) return nullptr;
  thread_local ThreadCacheOwner owner;
  owner.cache = new ThreadCache;
  for (int k = 0; k < kSmallClasses; ++k)
    owner.cache->limit[k] =
        static_cast<std::uint32_t>(std::max<std::size_t>(8, kThreadBytes / size_class_bytes(k)));
  thread_cache = owner.cache;
  std::lock_guard lock(central().mutex);
  central().threads.push_back(owner.cache);
  return owner.cache;
}

void* system_allocate(std::size_t bytes) {
  const bool huge = bytes >= kHugeBytes;
  const std::size_t align = huge ? kHugeBytes : 4096;
  const std::size_t rounded = (bytes + align - 1) / align * align;
  void* p = std::aligned_alloc(align, rounded);
  if (p && huge) ::madvise(p, rounded, MADV_HUGEPAGE);
  return p;
}

[[noreturn]] void throw_out_of_memory(std::size_t bytes) {
  throw SystemError(fmt::format(
      "[memory] the system has no {} bytes left for a tensor; {} bytes are in use; make the batch "
      "smaller or free tensors",
      bytes, memory_stats().in_use));
}

// A chain of free small blocks: from other threads if there is one, otherwise cut from a new chunk.
Chain refill(int k) {
  Central& c = central();
  std::lock_guard lock(c.mutex);
  if (!c.small[k].empty()) {
    Chain chain = c.small[k].back();
    c.small[k].pop_back();
    return chain;
  }
  const std::size_t size = size_class_bytes(k);
  const std::size_t bytes = std::max(kChunkBytes, 4 * size);
  ++c.system_calls;
  auto* chunk = static_cast<char*>(system_allocate(bytes));
  if (!chunk) throw_out_of_memory(bytes);
  c.small_reserved += bytes / size * size;
  Chain chain;
  for (std::size_t at = bytes / size * size; at >= size; at -= size) {
    auto* block = reinterpret_cast<FreeBlock*>(chunk + at - size);
    block->next = chain.head;
    chain.head = block;
    ++chain.count;
  }
  return chain;
}

[[gnu::noinline]] void* allocate_small_slow(int k) {
  ThreadCache* cache = thread_cache ? thread_cache : new_thread_cache();
  if (!cache) {  // the thread is ending: straight from the shared list
    Chain chain = refill(k);
    FreeBlock* block = chain.head;
    if (--chain.count) {
      chain.head = block->next;
      std::lock_guard lock(central().mutex);
      central().small[k].push_back(chain);
    }
    std::lock_guard lock(central().mutex);
    ++central().gone_allocations;
    central().gone_allocated += size_class_bytes(k);
    return block;
  }
  if (!cache->free[k].head) cache->free[k] = refill(k);
  FreeBlock* block = cache->free[k].head;
  cache->free[k].head = block->next;
  --cache->free[k].count;
  cache->allocations.add(1);
  cache->bytes_allocated.add(size_class_bytes(k));
  return block;
}

void* allocate_large(int k) {
  const std::size_t bytes = size_class_bytes(k);
  Central& c = central();
  FreeBlock* block = nullptr;
  {
    std::lock_guard lock(c.mutex);
    if (!c.large[k].empty()) {
      block = c.large[k].back();
      c.large[k].pop_back();
      c.cached_large -= bytes;
    } else {
      ++c.system_calls;
    }
    ++c.large_allocations;
    c.large_in_use += bytes;
    c.peak = std::max(c.peak, c.large_in_use);
  }
  if (block) return block;
  void* fresh = system_allocate(bytes);
  if (!fresh) {
    release_cached_memory();
    fresh = system_allocate(bytes);
  }
  if (!fresh) {
    {
      std::lock_guard lock(c.mutex);
      c.large_in_use -= bytes;
    }
    throw_out_of_memory(bytes);
  }
  return fresh;
}

}  // namespace

int size_class_of(std::size_t bytes) {
  if (bytes <= 512) return bytes == 0 ? 0 : static_cast<int>((bytes + 63) / 64) - 1;
  const std::size_t b = bytes - 1;
  const int e = 63 - std::countl_zero(b);
  return 8 + (e - 9) * 4 + static_cast<int>(b >> (e - 2)) - 4;
}

std::size_t size_class_bytes(int k) {
  if (k < 8) return static_cast<std::size_t>(k + 1) * 64;
  const int e = 9 + (k - 8) / 4;
  return static_cast<std::size_t>((k - 8) % 4 + 5) << (e - 2);
}

void* pool_allocate(std::size_t bytes, std::uint8_t* size_class) {
  if (bytes > (std::size_t{1} << 46)) throw_out_of_memory(bytes);
  const int k = size_class_of(bytes);
  *size_class = static_cast<std::uint8_t>(k);
#if CATENA_POOL_OFF
  void* p = std::aligned_alloc(64, size_class_bytes(k));
  if (!p) throw_out_of_memory(bytes);
  std::lock_guard lock(central().mutex);
  ++central().large_allocations;
  central().large_in_use += size_class_bytes(k);
  central().peak = std::max(central().peak, central().large_in_use);
  return p;
#else
  if (k >= kSmallClasses) return allocate_large(k);
  ThreadCache* cache = thread_cache;
  if (!cache || !cache->free[k].head) [[unlikely]]
    return allocate_small_slow(k);
  FreeBlock* block = cache->free[k].head;
  cache->free[k].head = block->next;
  --cache->free[k].count;
  cache->allocations.add(1);
  cache->bytes_allocated.add(size_class_bytes(k));
  return block;
#endif
}

void pool_free(void* p, std::uint8_t size_class) noexcept {
  const int k = size_class;
#if CATENA_POOL_OFF
  {
    std::lock_guard lock(central().mutex);
    central().large_in_use -= size_class_bytes(k);
  }
  std::free(p);
#else
  auto* block = static_cast<FreeBlock*>(p);
  if (k >= kSmallClasses) {
    Central& c = central();
    std::lock_guard lock(c.mutex);
    c.large[k].push_back(block);
    c.large_in_use -= size_class_bytes(k);
    c.cached_large += size_class_bytes(k);
    return;
  }
  ThreadCache* cache = thread_cache ? thread_cache : new_thread_cache();
  if (!cache) {
    block->next = nullptr;
    std::lock_guard lock(central().mutex);
    central().small[k].push_back({block, 1});
    central().gone_freed += size_class_bytes(k);
    return;
  }
  block->next = cache->free[k].head;
  cache->free[k].head = block;
  cache->bytes_freed.add(size_class_bytes(k));
  if (++cache->free[k].count > cache->limit[k]) [[unlikely]]
    flush(*cache, k, cache->limit[k] / 2);
#endif
}

namespace {
MemoryStats cpu_stats() {
  Central& c = central();
  std::lock_guard lock(c.mutex);
  MemoryStats s;
  std::uint64_t allocated = c.gone_allocated, freed = c.gone_freed;
  s.allocations = c.gone_allocations + c.large_allocations;
  for (const ThreadCache* t : c.threads) {
    allocated += t->bytes_allocated.value;
    freed += t->bytes_freed.value;
    s.allocations += t->allocations.value;
  }
  const std::uint64_t small = allocated - freed;
  s.in_use = c.large_in_use + small;
  s.cached = c.cached_large + (c.small_reserved - std::min(c.small_reserved, small));
  s.peak = c.peak;
  s.system_calls = c.system_calls;
  return s;
}
}  // namespace
}  // namespace detail

MemoryStats memory_stats(Device device) {
  return device.is_cpu() ? detail::cpu_stats() : backend_of(device).memory_stats(device.index);
}

void reset_peak_memory(Device device) {
  if (!device.is_cpu()) return;
  detail::Central& c = detail::central();
  std::lock_guard lock(c.mutex);
  c.peak = c.large_in_use;
}

void release_cached_memory(Device device) {
  using namespace detail;
  if (!device.is_cpu()) return backend_of(device).release_cached_memory(device.index);
  if (thread_cache)
    for (int k = 0; k < kSmallClasses; ++k) flush(*thread_cache, k, 0);
  Central& c = central();
  std::vector<FreeBlock*> blocks;
  {
    std::lock_guard lock(c.mutex);
    for (auto& list : c.large) {
      blocks.insert(blocks.end(), list.begin(), list.end());
      list.clear();
    }
    c.cached_large = 0;
  }
  for (FreeBlock* b : blocks) std::free(b);
}

}  // namespace catena
