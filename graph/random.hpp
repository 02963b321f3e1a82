// Random numbers from Philox counters: number i of a stream is a function of (key, i), so a mask is
// the same whatever the thread count and on every device.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace catena {

// What one random call needs: the seed's key and the position in its stream. A call of n elements
// takes n numbers.
struct PhiloxState {
  std::uint64_t seed = 0;
  std::uint64_t offset = 0;
  friend bool operator==(const PhiloxState&, const PhiloxState&) = default;
};

// The generator of the process. manual_seed starts its stream anew; reserve hands out `count`
// numbers. Both are safe to call from any thread.
void manual_seed(std::uint64_t seed);
PhiloxState reserve_random(std::uint64_t count);
// For checkpoints.
PhiloxState random_state();
void set_random_state(PhiloxState state);

// The numbers handed out to one thread, in order.
using RandomLog = std::vector<PhiloxState>;

// While one lives, what this thread's calls of reserve_random get is also written down.
class RecordRandom {
 public:
  explicit RecordRandom(RandomLog& log);
  ~RecordRandom();
  RecordRandom(const RecordRandom&) = delete;
  RecordRandom& operator=(const RecordRandom&) = delete;

 private:
  RandomLog* before_;
};
// While one lives, they get the same again, in order. Asking for more is an error.
class ReplayRandom {
 public:
  explicit ReplayRandom(std::span<const PhiloxState> log);
  ~ReplayRandom();
  ReplayRandom(const ReplayRandom&) = delete;
  ReplayRandom& operator=(const ReplayRandom&) = delete;

 private:
  std::span<const PhiloxState> before_;
  bool active_before_;
};

}  // namespace catena
