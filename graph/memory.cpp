#include "catena/graph/memory.hpp"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <mutex>
#include <vector>

#include <fmt/format.h>

#include "catena/graph/backend.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/pool.hpp"

namespace catena {
namespace detail {
namespace pool {

thread_local constinit ThreadCache* thread_cache CATENA_TLS = nullptr;

namespace {

constexpr int kNumClasses = 168;
constexpr std::size_t kHugeBytes = 2 << 20;      // from here blocks ask for huge pages
constexpr std::size_t kThreadBytes = 512 << 10;  // cached per class and thread
constexpr std::size_t kChunkBytes = 64 << 10;    // small blocks are cut from chunks of this size

struct Chain {
  FreeBlock* head = nullptr;
  std::uint32_t count = 0;
};

struct Central {
  std::mutex mutex;
  std::vector<Chain> small[kSmallClasses];
  std::vector<FreeBlock*> large[kNumClasses];
  std::vector<ThreadCache*> threads;
  std::uint64_t gone_allocated[kSmallClasses] = {}, gone_freed[kSmallClasses] = {};  // as Class
  std::uint64_t large_allocations = 0, large_in_use = 0, peak = 0;
  std::uint64_t cached_large = 0, small_reserved = 0, system_calls = 0;
  std::uint64_t limit = 0;  // 0: not yet asked for
};
// Leaked on purpose: tensors in static storage may be freed after any destructor of ours.
Central& central() {
  static Central* c = new Central;
  return *c;
}

thread_local constinit bool thread_ended CATENA_TLS = false;

void flush(ThreadCache& cache, int k, std::uint32_t keep) {
  ThreadCache::Class& of = cache.classes[k];
  if (of.count <= keep) return;
  Chain out{of.head, of.count - keep};
  FreeBlock* last = of.head;
  for (std::uint32_t i = 1; i < out.count; ++i) last = last->next;
  of.head = last->next;
  of.count = keep;
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
    for (int k = 0; k < kSmallClasses; ++k) {
      c.gone_allocated[k] += cache->classes[k].allocated.value;
      c.gone_freed[k] += cache->classes[k].freed.value;
    }
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
    owner.cache->classes[k].limit =
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

// Unused where there is no cache.
[[maybe_unused]] void* allocate_small(int k) {
  ThreadCache* cache = thread_cache ? thread_cache : new_thread_cache();
  if (!cache) {  // the thread is ending: straight from the shared list
    Chain chain = refill(k);
    FreeBlock* block = chain.head;
    std::lock_guard lock(central().mutex);
    if (--chain.count) {
      chain.head = block->next;
      central().small[k].push_back(chain);
    }
    ++central().gone_allocated[k];
    return block;
  }
  ThreadCache::Class& c = cache->classes[k];
  if (!c.head) {
    const Chain chain = refill(k);
    c.head = chain.head;
    c.count = chain.count;
  }
  FreeBlock* block = c.head;
  c.head = block->next;
  --c.count;
  c.allocated.add(1);
  return block;
}

// Four fifths of what the machine or this process's control group has: the rest is for the program
// itself and its files.
std::uint64_t default_limit() {
  const auto pages = static_cast<std::uint64_t>(::sysconf(_SC_PHYS_PAGES));
  std::uint64_t bytes = pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGE_SIZE));
  for (const char* path :
       {"/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes"}) {
    std::uint64_t allowed;
    if (std::ifstream(path) >> allowed) bytes = std::min(bytes, allowed);
  }
  return bytes / 5 * 4;
}

// Takes all cached large blocks, to be freed without the lock.
std::vector<FreeBlock*> take_cached(Central& c) {
  std::vector<FreeBlock*> blocks;
  for (auto& list : c.large) {
    blocks.insert(blocks.end(), list.begin(), list.end());
    list.clear();
  }
  c.cached_large = 0;
  return blocks;
}
void free_blocks(const std::vector<FreeBlock*>& blocks) {
  for (FreeBlock* b : blocks) std::free(b);
}

[[maybe_unused]] void* allocate_large(int k) {
  const std::size_t bytes = size_class_bytes(k);
  Central& c = central();
  FreeBlock* block = nullptr;
  std::vector<FreeBlock*> too_many;
  {
    std::lock_guard lock(c.mutex);
    ++c.large_allocations;
    c.large_in_use += bytes;
    c.peak = std::max(c.peak, c.large_in_use);
    if (!c.large[k].empty()) {
      block = c.large[k].back();
      c.large[k].pop_back();
      c.cached_large -= bytes;
    } else {
      ++c.system_calls;
      if (c.cached_large > 0) {
        if (c.limit == 0) c.limit = default_limit();
        if (c.large_in_use + c.cached_large > c.limit) too_many = take_cached(c);
      }
    }
  }
  if (block) return block;
  free_blocks(too_many);
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

void* allocate_slow(std::size_t bytes, int k) {
  if (bytes > (std::size_t{1} << 46)) throw_out_of_memory(bytes);
#if CATENA_POOL_OFF
  void* p = std::aligned_alloc(64, size_class_bytes(k));
  if (!p) throw_out_of_memory(bytes);
  std::lock_guard lock(central().mutex);
  ++central().large_allocations;
  central().large_in_use += size_class_bytes(k);
  central().peak = std::max(central().peak, central().large_in_use);
  return p;
#else
  return k < kSmallClasses ? allocate_small(k) : allocate_large(k);
#endif
}

void free_slow(void* p, int k) noexcept {
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
    ++central().gone_freed[k];
    return;
  }
  ThreadCache::Class& c = cache->classes[k];
  if (c.count >= c.limit) flush(*cache, k, c.limit / 2);
  block->next = c.head;
  c.head = block;
  ++c.count;
  c.freed.add(1);
#endif
}

namespace {

MemoryStats cpu_stats() {
  Central& c = central();
  std::lock_guard lock(c.mutex);
  MemoryStats s;
  s.allocations = c.large_allocations;
  std::uint64_t small = 0;
  for (int k = 0; k < kSmallClasses; ++k) {
    std::uint64_t allocated = c.gone_allocated[k], freed = c.gone_freed[k];
    for (const ThreadCache* t : c.threads) {
      allocated += t->classes[k].allocated.value;
      freed += t->classes[k].freed.value;
    }
    s.allocations += allocated;
    small += (allocated - freed) * size_class_bytes(k);
  }
  s.in_use = c.large_in_use + small;
  s.cached = c.cached_large + (c.small_reserved - std::min(c.small_reserved, small));
  s.peak = c.peak;
  s.system_calls = c.system_calls;
  return s;
}

}  // namespace
}  // namespace pool

void* pool_allocate(std::size_t bytes, std::uint8_t* size_class) {
  return pool::allocate(bytes, size_class);
}
void pool_free(void* block, std::uint8_t size_class) noexcept { pool::free(block, size_class); }

}  // namespace detail

MemoryStats memory_stats(Device device) {
  return device.is_cpu() ? detail::pool::cpu_stats()
                         : backend_of(device).memory_stats(device.index);
}

void reset_peak_memory(Device device) {
  if (!device.is_cpu()) return;
  detail::pool::Central& c = detail::pool::central();
  std::lock_guard lock(c.mutex);
  c.peak = c.large_in_use;
}

void release_cached_memory(Device device) {
  using namespace detail::pool;
  if (!device.is_cpu()) return backend_of(device).release_cached_memory(device.index);
  if (thread_cache)
    for (int k = 0; k < kSmallClasses; ++k) flush(*thread_cache, k, 0);
  Central& c = central();
  std::vector<FreeBlock*> blocks;
  {
    std::lock_guard lock(c.mutex);
    blocks = take_cached(c);
  }
  free_blocks(blocks);
}

void set_memory_limit(std::uint64_t bytes) {
  using namespace detail::pool;
  Central& c = central();
  std::vector<FreeBlock*> too_many;
  {
    std::lock_guard lock(c.mutex);
    c.limit = std::max<std::uint64_t>(bytes, 1);
    if (c.large_in_use + c.cached_large > c.limit) too_many = take_cached(c);
  }
  free_blocks(too_many);
}

}  // namespace catena
