#include "catena/graph/random.hpp"

#include <mutex>
#include <utility>

#include "catena/graph/error.hpp"

namespace catena {
namespace {

struct Generator {
  std::mutex mutex;
  PhiloxState state;
};

Generator& generator() {
  static Generator g;
  return g;
}

thread_local RandomLog* log = nullptr;
thread_local std::span<const PhiloxState> replay;
thread_local bool replaying = false;

}  // namespace

void manual_seed(std::uint64_t seed) { set_random_state({seed, 0}); }

PhiloxState reserve_random(std::uint64_t count) {
  PhiloxState first;
  if (replaying) {
    if (replay.empty())
      throw ArgumentError(
          "[random] more random numbers were drawn than the first time; expected the function of a "
          "checkpoint to draw the same each time");
    first = replay.front();
    replay = replay.subspan(1);
  } else {
    Generator& g = generator();
    const std::lock_guard lock(g.mutex);
    first = g.state;
    g.state.offset += count;
  }
  if (log) log->push_back(first);
  return first;
}

PhiloxState random_state() {
  Generator& g = generator();
  const std::lock_guard lock(g.mutex);
  return g.state;
}

void set_random_state(PhiloxState state) {
  Generator& g = generator();
  const std::lock_guard lock(g.mutex);
  g.state = state;
}

RecordRandom::RecordRandom(RandomLog& to) : before_(std::exchange(log, &to)) {}
RecordRandom::~RecordRandom() {
  // Of nested ones the outer gets everything.
  if (before_) before_->insert(before_->end(), log->begin(), log->end());
  log = before_;
}
ReplayRandom::ReplayRandom(std::span<const PhiloxState> from)
    : before_(std::exchange(replay, from)), active_before_(std::exchange(replaying, true)) {}
ReplayRandom::~ReplayRandom() {
  replay = before_;
  replaying = active_before_;
}

}  // namespace catena
