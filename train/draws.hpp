// Random orders of data. Not a public header.
#pragma once

#include <cstdint>
#include <numeric>
#include <span>
#include <utility>
#include <vector>

#include "catena/graph/philox.hpp"
#include "catena/graph/random.hpp"

namespace catena::train {

// Numbers of a Philox stream of its own, a function of (seed, epoch): nobody else's draws change
// them.
class Draws {
 public:
  Draws(std::uint64_t seed, std::int64_t epoch)
      : key_(seed ^ kStream), first_(static_cast<std::uint64_t>(epoch) << 32) {}

  // Uniform in [0, n).
  std::size_t below(std::size_t n) { return (std::uint64_t{number()} * n) >> 32; }
  // Uniform in [0, 1).
  double unit() {
    const std::uint32_t high = number();
    return unit_double(high, number());
  }
  // Fisher-Yates.
  template <class T>
  void shuffle(std::span<T> values) {
    for (std::size_t i = values.size(); i > 1; --i) std::swap(values[i - 1], values[below(i)]);
  }

 private:
  // Keeps these streams apart from those of random ops with the same seed.
  static constexpr std::uint64_t kStream = 0x64617461'6F726465;
  friend std::uint64_t drawn_seed();

  std::uint32_t number() {
    if (drawn_ % 4 == 0) block_ = philox(key_, first_ + drawn_ / 4);
    return block_.v[drawn_++ % 4];
  }

  std::uint64_t key_, first_, drawn_ = 0;
  Philox4 block_{};
};

// 0, 1, ..., n - 1.
inline std::vector<std::int64_t> counting(std::int64_t n) {
  std::vector<std::int64_t> out(static_cast<std::size_t>(n));
  std::iota(out.begin(), out.end(), std::int64_t{0});
  return out;
}

// A seed from the process generator.
inline std::uint64_t drawn_seed() {
  const PhiloxState state = reserve_random(1);
  const Philox4 block = philox(state.seed ^ Draws::kStream, state.offset);
  return std::uint64_t{block.v[0]} << 32 | block.v[1];
}

}  // namespace catena::train
