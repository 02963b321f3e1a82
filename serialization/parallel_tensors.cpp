#include "catena/serialization/parallel_tensors.hpp"

#include <algorithm>
#include <atomic>
#include <exception>
#include <thread>
#include <vector>

namespace catena::detail {
namespace {
// Less is done before a thread has started.
constexpr std::uint64_t kBytesPerThread = 8 << 20;
}  // namespace

void for_each_tensor(int count, std::uint64_t bytes, int threads,
                     const std::function<void(int)>& work) {
  if (threads <= 0)
    threads = static_cast<int>(std::clamp(std::thread::hardware_concurrency(), 1u, 4u));
  threads = static_cast<int>(std::min<std::uint64_t>(
      {static_cast<std::uint64_t>(threads), static_cast<std::uint64_t>(std::max(count, 1)),
       bytes / kBytesPerThread + 1}));
  std::vector<std::exception_ptr> errors(static_cast<std::size_t>(count));
  std::atomic<int> next{0};
  std::atomic<bool> failed{false};
  const auto take = [&] {
    // Started ones finish, so that the first error does not depend on the threads.
    for (int i; !failed.load(std::memory_order_relaxed) && (i = next.fetch_add(1)) < count;) try {
        work(i);
      } catch (...) {
        errors[static_cast<std::size_t>(i)] = std::current_exception();
        failed = true;
      }
  };
  {
    std::vector<std::jthread> others;
    for (int t = 1; t < threads; ++t) others.emplace_back(take);
    take();
  }
  for (const std::exception_ptr& error : errors)
    if (error) std::rethrow_exception(error);
}

}  // namespace catena::detail
