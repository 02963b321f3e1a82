// Random numbers: blocks of Philox numbers are made side by side in vector lanes, then turned into
// values by ops/random_formulas.hpp.
#include "catena/ops/random.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/ops/random_formulas.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Numbers made at a time, and elements of one range of work.
constexpr std::int64_t kChunk = 2048;
constexpr std::int64_t kGrain = 16 * kChunk;

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

// Blocks first, first + 1, ... of the stream, 2 * kLanes of them: the numbers of catena::philox.
CATENA_INLINE void philox_blocks(std::uint64_t key, std::uint64_t first, std::uint32_t* out) {
  Lanes lane, left, right;
  for (int l = 0; l < kLanes; ++l) {
    lane[l] = static_cast<std::uint64_t>(l);
    left[l] = static_cast<std::uint64_t>(l % 2 * kLanes + l / 2);
    right[l] = left[l] + kLanes / 2;
  }
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
    const Lanes x = __builtin_shuffle(a, b, left), y = __builtin_shuffle(a, b, right);
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

// Calls body(numbers, begin, count) for consecutive stretches of `n` items that take `per` numbers
// each; stretches but the last hold kChunk / per items.
template <class Body>
CATENA_INLINE void with_numbers(PhiloxState state, std::int64_t n, std::int64_t per,
                                const Body& body) {
  parallel(n, kGrain / per, [&](std::int64_t begin, std::int64_t end) {
    Numbers numbers;
    for (std::int64_t i = begin; i < end; i += kChunk / per) {
      const std::int64_t count = min_of(kChunk / per, end - i);
      body(numbers.fill(state, i * per, count * per), i, count);
    }
  });
}

template <class T>
CATENA_INLINE T unit(const std::uint32_t* numbers, std::int64_t i) {
  if constexpr (sizeof(T) == 4)
    return unit_float(numbers[i]);
  else
    return unit_double(numbers[2 * i], numbers[2 * i + 1]);
}

template <class T>
void dropout_typed(const op::Dropout& op, const KernelContext& c) {
  const T* x = static_cast<const T*>(c.inputs[0].data);
  T* y = static_cast<T*>(c.outputs[0].data);
  const T scale = static_cast<T>(formulas::dropout_scale(op.p));
  const std::uint32_t threshold = formulas::dropout_threshold(op.p);
  with_numbers(op.state, c.outputs[0].numel, 1,
               [&](const std::uint32_t* numbers, std::int64_t begin, std::int64_t n) {
                 const T* in = x + begin;
                 T* out = y + begin;
                 for (std::int64_t i = 0; i < n; ++i) {
                   const T kept = in[i] * scale;
                   out[i] = numbers[i] < threshold ? T(0) : kept;
                 }
               });
}

template <class T>
void uniform_typed(const op::RandomUniform& op, const KernelContext& c) {
  T* y = static_cast<T*>(c.outputs[0].data);
  const T low = static_cast<T>(op.low), high = static_cast<T>(op.high);
  const T span = static_cast<T>(op.high - op.low);
  // With equal ends there is one value; otherwise the last one below high.
  const T last = low < high ? formulas::below(high) : low;
  with_numbers(op.state, c.outputs[0].numel, sizeof(T) / 4,
               [&](const std::uint32_t* numbers, std::int64_t begin, std::int64_t n) {
                 T* out = y + begin;
                 for (std::int64_t i = 0; i < n; ++i)
                   out[i] = formulas::uniform_value(unit<T>(numbers, i), low, span, last);
               });
}

template <class T>
CATENA_INLINE void normal_pair(const std::uint32_t* numbers, std::int64_t i, T* z0, T* z1) {
  if constexpr (sizeof(T) == 4)
    formulas::box_muller(formulas::open_unit_float(numbers[2 * i]), unit_float(numbers[2 * i + 1]),
                         z0, z1);
  else
    formulas::box_muller(formulas::open_unit_double(numbers[4 * i], numbers[4 * i + 1]),
                         unit_double(numbers[4 * i + 2], numbers[4 * i + 3]), z0, z1);
}

template <class T>
void normal_typed(const op::RandomNormal& op, const KernelContext& c) {
  T* y = static_cast<T*>(c.outputs[0].data);
  const T mean = static_cast<T>(op.mean), stddev = static_cast<T>(op.stddev);
  const std::int64_t numel = c.outputs[0].numel, pairs = (numel + 1) / 2;
  with_numbers(op.state, pairs, 2 * sizeof(T) / 4,
               [&](const std::uint32_t* numbers, std::int64_t begin, std::int64_t n) {
                 // The last pair of an odd count has no room for its second value.
                 const std::int64_t whole = min_of(n, numel / 2 - begin);
                 T* out = y + 2 * begin;
                 for (std::int64_t i = 0; i < whole; ++i) {
                   T z0, z1;
                   normal_pair(numbers, i, &z0, &z1);
                   out[2 * i] = mean + stddev * z0;
                   out[2 * i + 1] = mean + stddev * z1;
                 }
                 if (whole < n) {
                   T z0, z1;
                   normal_pair(numbers, whole, &z0, &z1);
                   out[2 * whole] = mean + stddev * z0;
                 }
               });
}

void dropout(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::Dropout*>(attrs);
  visit_float(c.outputs[0].dtype, [&]<class T>(T) { dropout_typed<T>(op, c); });
}
void uniform(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::RandomUniform*>(attrs);
  visit_float(c.outputs[0].dtype, [&]<class T>(T) { uniform_typed<T>(op, c); });
}
void normal(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::RandomNormal*>(attrs);
  visit_float(c.outputs[0].dtype, [&]<class T>(T) { normal_typed<T>(op, c); });
}

KernelRow row_of(KernelFn forward) { return {.forward = forward, .dtypes = kFloatTypes}; }

}  // namespace

KernelRow row_Dropout() { return row_of(dropout); }
KernelRow row_RandomUniform() { return row_of(uniform); }
KernelRow row_RandomNormal() { return row_of(normal); }

}  // namespace catena::cpu::CATENA_ISA
