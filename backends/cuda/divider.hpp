// Division by a number known before the launch, as a multiplication and a shift
// (Granlund and Montgomery, "Division by invariant integers using multiplication", PLDI 1994).
#pragma once

#include <cstdint>

#ifdef __CUDACC__
#define CATENA_DEVICE_FN __host__ __device__ __forceinline__
#else
#define CATENA_DEVICE_FN inline
#endif

namespace catena::gpu {

// Quotients of numbers below 2^31 by a divisor in [1, 2^31).
struct Divider {
  std::uint32_t divisor = 1;
  std::uint32_t magic = 1;
  std::uint32_t shift = 0;

  Divider() = default;
  explicit Divider(std::uint32_t d) : divisor(d) {
    while (shift < 31 && (std::uint32_t{1} << shift) < d) ++shift;
    const std::uint64_t one = 1;
    magic = static_cast<std::uint32_t>((one << 32) * ((one << shift) - d) / d + 1);
  }
  CATENA_DEVICE_FN std::uint32_t divide(std::uint32_t n) const {
#ifdef __CUDA_ARCH__
    const std::uint32_t high = __umulhi(n, magic);
#else
    const auto high = static_cast<std::uint32_t>(std::uint64_t{n} * magic >> 32);
#endif
    return (high + n) >> shift;
  }
};

}  // namespace catena::gpu
