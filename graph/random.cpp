#include "catena/graph/random.hpp"

#include <mutex>

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

}  // namespace

void manual_seed(std::uint64_t seed) { set_random_state({seed, 0}); }

PhiloxState reserve_random(std::uint64_t count) {
  Generator& g = generator();
  const std::lock_guard lock(g.mutex);
  const PhiloxState first = g.state;
  g.state.offset += count;
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

}  // namespace catena
