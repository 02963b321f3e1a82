#include "catena/graph/thread_state.hpp"

#include <atomic>

namespace catena::detail {

thread_local constinit ThreadState thread_state CATENA_TLS;

std::uint32_t new_thread_id() {
  static std::atomic<std::uint32_t> next{1};
  return next.fetch_add(1, std::memory_order_relaxed);
}

}  // namespace catena::detail
