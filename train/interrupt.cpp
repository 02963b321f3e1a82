#include "catena/train/interrupt.hpp"

#include <signal.h>

#include <atomic>
#include <mutex>

namespace catena::train {

namespace {

// What the handler touches: lock-free, or written while the handler is not installed.
std::atomic<bool> interrupted{false};
struct sigaction previous = {};
static_assert(std::atomic<bool>::is_always_lock_free);

std::mutex mutex;
int guards = 0;

void on_interrupt(int) {
  interrupted.store(true, std::memory_order_relaxed);
  sigaction(SIGINT, &previous, nullptr);
}

bool is_ours(const struct sigaction& action) {
  return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == on_interrupt;
}

}  // namespace

InterruptGuard::InterruptGuard(bool on) : on_(on) {
  if (!on_) return;
  const std::lock_guard lock(mutex);
  if (guards++ > 0) return;
  interrupted.store(false, std::memory_order_relaxed);
  struct sigaction current = {};
  sigaction(SIGINT, nullptr, &current);
  const bool ignored = (current.sa_flags & SA_SIGINFO) == 0 && current.sa_handler == SIG_IGN;
  if (ignored || is_ours(current)) return;
  previous = current;
  struct sigaction ours = {};
  ours.sa_handler = on_interrupt;
  ours.sa_flags = SA_RESTART;
  sigemptyset(&ours.sa_mask);
  sigaction(SIGINT, &ours, nullptr);
}

InterruptGuard::~InterruptGuard() {
  if (!on_) return;
  const std::lock_guard lock(mutex);
  if (--guards > 0) return;
  // Somebody else's handler, installed meanwhile, stays.
  struct sigaction current = {};
  sigaction(SIGINT, nullptr, &current);
  if (is_ours(current)) sigaction(SIGINT, &previous, nullptr);
}

bool InterruptGuard::requested() const {
  return on_ && interrupted.load(std::memory_order_relaxed);
}

}  // namespace catena::train
