// Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011).
// Compiles for the host, for each CPU instruction set and for CUDA; see CATENA_FN.
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define CATENA_FN __host__ __device__ __forceinline__
#else
#define CATENA_FN [[gnu::always_inline]] inline
#endif

namespace catena {

struct Philox4 {
  std::uint32_t v[4];
};

// Block `counter` of the stream of `key`: four independent 32-bit numbers.
CATENA_FN Philox4 philox(std::uint64_t key, std::uint64_t counter) {
  std::uint32_t c0 = static_cast<std::uint32_t>(counter);
  std::uint32_t c1 = static_cast<std::uint32_t>(counter >> 32);
  std::uint32_t c2 = 0, c3 = 0;
  std::uint32_t k0 = static_cast<std::uint32_t>(key), k1 = static_cast<std::uint32_t>(key >> 32);
  for (int round = 0; round < 10; ++round) {
    const std::uint64_t p0 = std::uint64_t{0xD2511F53u} * c0;
    const std::uint64_t p1 = std::uint64_t{0xCD9E8D57u} * c2;
    const std::uint32_t n0 = static_cast<std::uint32_t>(p1 >> 32) ^ c1 ^ k0;
    const std::uint32_t n2 = static_cast<std::uint32_t>(p0 >> 32) ^ c3 ^ k1;
    c1 = static_cast<std::uint32_t>(p1);
    c3 = static_cast<std::uint32_t>(p0);
    c0 = n0;
    c2 = n2;
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  return {{c0, c1, c2, c3}};
}

// Number `index` of the stream.
CATENA_FN std::uint32_t philox_number(std::uint64_t key, std::uint64_t index) {
  return philox(key, index / 4).v[index % 4];
}

// A uniform float in [0, 1) from the upper 24 bits, and a double in [0, 1) from two numbers.
CATENA_FN float unit_float(std::uint32_t bits) {
  return static_cast<float>(bits >> 8) * (1.0f / 16777216.0f);
}
CATENA_FN double unit_double(std::uint32_t high, std::uint32_t low) {
  const std::uint64_t bits = (std::uint64_t{high} << 32 | low) >> 11;
  return static_cast<double>(bits) * (1.0 / 9007199254740992.0);
}

}  // namespace catena
