#include "catena/backends/cpu/parallel.hpp"

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <thread>

#if defined(__SANITIZE_THREAD__)
#include <sanitizer/tsan_interface.h>
#endif
#include <tbb/blocked_range.h>
#include <tbb/parallel_for.h>
#include <tbb/task_arena.h>

#include "catena/backends/cpu/float_mode.hpp"

namespace catena {
namespace {

int machine_threads() { return std::max(1u, std::thread::hardware_concurrency()); }

int threads_at_start() {
  const char* given = std::getenv("CATENA_NUM_THREADS");
  const int n = given ? std::atoi(given) : 0;
  return n > 0 ? n : machine_threads();
}

std::atomic<int>& thread_count() {
  static std::atomic<int> count{threads_at_start()};
  return count;
}

// Rebuilt when the thread count changes; a call under way keeps the arena it started with.
std::shared_ptr<tbb::task_arena> arena_of(int threads) {
  static std::mutex mutex;
  static std::shared_ptr<tbb::task_arena> arena;
  std::lock_guard lock(mutex);
  if (!arena || arena->max_concurrency() != threads)
    arena = std::make_shared<tbb::task_arena>(threads);
  return arena;
}

// oneTBB is built without the thread sanitizer: tell it that chunks begin after the call and end
// before it returns.
#if defined(__SANITIZE_THREAD__)
void acquire(void* context) { __tsan_acquire(context); }
void release(void* context) { __tsan_release(context); }
#else
void acquire(void*) {}
void release(void*) {}
#endif

}  // namespace

void set_num_threads(int n) { thread_count() = n > 0 ? n : machine_threads(); }
int num_threads() { return thread_count().load(std::memory_order_relaxed); }

bool set_flush_denormals(bool on) {
  cpu::FloatMode::current().flushing(on).set();
  return !on || flush_denormals();
}
bool flush_denormals() { return cpu::FloatMode::current().flushes(); }

namespace cpu {

void parallel_for(std::int64_t n, std::int64_t grain,
                  void (*body)(void* context, std::int64_t begin, std::int64_t end),
                  void* context) {
  if (n <= 0) return;
  const std::int64_t chunks = (n + grain - 1) / grain;
  const int threads = num_threads();
  if (chunks == 1 || threads == 1) {
    for (std::int64_t i = 0; i < chunks; ++i)
      body(context, i * grain, std::min(n, (i + 1) * grain));
    return;
  }
  const FloatMode mode = FloatMode::current();
  release(context);
  arena_of(threads)->execute([&] {
    tbb::parallel_for(tbb::blocked_range<std::int64_t>(0, chunks),
                      [&](const tbb::blocked_range<std::int64_t>& r) {
                        acquire(context);
                        const FloatModeScope scope(mode);
                        for (std::int64_t i = r.begin(); i < r.end(); ++i)
                          body(context, i * grain, std::min(n, (i + 1) * grain));
                        release(context);
                      });
  });
  acquire(context);
}

}  // namespace cpu
}  // namespace catena
