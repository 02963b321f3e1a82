// The numbers of a Philox stream, made side by side in vector lanes.
#pragma once

#include "catena/backends/cpu/kernel.hpp"
#include "catena/graph/philox.hpp"
#include "catena/graph/random.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kChunk = 2048;  // numbers made at a time

// One Philox block per 64-bit lane; the upper halves of the state's lanes hold leftovers.
constexpr int kLanes = sizeof(Batch<double>) / 8;
typedef std::uint64_t Lanes __attribute__((vector_size(8 * kLanes)));

// The product of the lower halves.
CATENA_INLINE Lanes multiply_low(Lanes a, Lanes b) {
#if defined(CATENA_ISA_avx512)
  return (Lanes)_mm512_maskz_mul_epu32(0xff, (__m512i)a, (__m512i)b);
#elif defined(CATENA_ISA_avx2)
  return (Lanes)_mm256_mul_epu32((__m256i)a, (__m256i)b);
#else
  return (Lanes)_mm_mul_epu32((__m128i)a, (__m128i)b);
#endif
}

// A number of each block in turn: of the first half of the lanes, or the second (from = 0 or
// kLanes / 2).
template <int From, int... J>
CATENA_INLINE Lanes interleave(Lanes a, Lanes b, std::integer_sequence<int, J...>) {
  return __builtin_shufflevector(a, b, (J % 2 * kLanes + J / 2 + From)...);
}

// Blocks first, first + 1, ... of the stream, 2 * kLanes of them: the numbers of catena::philox.
CATENA_INLINE void philox_blocks(std::uint64_t key, std::uint64_t first, std::uint32_t* out) {
  constexpr std::make_integer_sequence<int, kLanes> all;
  Lanes lane;
  for (int l = 0; l < kLanes; ++l) lane[l] = static_cast<std::uint64_t>(l);
  const Lanes m0 = Lanes{} + 0xD2511F53u, m1 = Lanes{} + 0xCD9E8D57u, low = Lanes{} + 0xffffffffu;
  Lanes c0[2], c1[2], c2[2], c3[2];
  for (int s = 0; s < 2; ++s) {
    c0[s] = lane + (first + static_cast<std::uint64_t>(s * kLanes));
    c1[s] = c0[s] >> 32;
    c2[s] = c3[s] = Lanes{};
  }
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int s = 0; s < 2; ++s) {
      const Lanes p0 = multiply_low(c0[s], m0), p1 = multiply_low(c2[s], m1);
      c0[s] = (p1 >> 32) ^ c1[s] ^ (Lanes{} + k0);
      c2[s] = (p0 >> 32) ^ c3[s] ^ (Lanes{} + k1);
      c1[s] = p1;
      c3[s] = p0;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int s = 0; s < 2; ++s) {
    const Lanes a = (c0[s] & low) | (c1[s] << 32), b = (c2[s] & low) | (c3[s] << 32);
    const Lanes x = interleave<0>(a, b, all), y = interleave<kLanes / 2>(a, b, all);
    __builtin_memcpy(out + 8 * s * kLanes / 2, &x, sizeof x);
    __builtin_memcpy(out + 8 * s * kLanes / 2 + 2 * kLanes, &y, sizeof y);
  }
}

// A window of at most kChunk numbers of a stream.
class Numbers {
 public:
  // Numbers [first, first + count) of the stream after `state`.
  CATENA_INLINE const std::uint32_t* fill(PhiloxState state, std::int64_t first,
                                          std::int64_t count) {
    const std::uint64_t at = state.offset + static_cast<std::uint64_t>(first);
    const std::int64_t skip = static_cast<std::int64_t>(at % 4);
    for (std::int64_t b = 0; 4 * b < skip + count; b += 2 * kLanes)
      philox_blocks(state.seed, at / 4 + static_cast<std::uint64_t>(b), numbers_ + 4 * b);
    return numbers_ + skip;
  }

 private:
  alignas(64) std::uint32_t numbers_[kChunk + 8 * kLanes + 4];
};

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
