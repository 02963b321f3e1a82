// Random numbers: those of the Philox stream (philox_lanes.hpp), turned into values by
// ops/random_formulas.hpp.
#include "catena/ops/random.hpp"

#include "catena/backends/cpu/philox_lanes.hpp"
#include "catena/ops/random_formulas.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kGrain = 16 * kChunk;  // elements of one range of work

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

// Elements from `position` of the whole.
template <class T>
void drop(const op::Dropout& op, std::int64_t position, const T* in, std::int64_t stride, T* out,
          std::int64_t n) {
  const T scale = static_cast<T>(formulas::dropout_scale(op.p));
  const std::uint32_t threshold = formulas::dropout_threshold(op.p);
  Numbers window;
  for (std::int64_t begin = 0; begin < n; begin += kChunk) {
    const std::int64_t count = min_of(kChunk, n - begin);
    const std::uint32_t* numbers = window.fill(op.state, position + begin, count);
    const auto one = [&](std::int64_t i, T x) {
      const T kept = x * scale;
      out[begin + i] = numbers[i] < threshold ? T(0) : kept;
    };
    if (stride == 1)
      for (std::int64_t i = 0; i < count; ++i) one(i, in[begin + i]);
    else
      for (std::int64_t i = 0; i < count; ++i) one(i, in[(begin + i) * stride]);
  }
}
void dropout_entries(const void* attrs, std::int64_t position, const void* in, std::int64_t stride,
                     DType dtype, void* out, std::int64_t n) {
  visit_float(dtype, [&]<class T>(T) {
    drop(*static_cast<const op::Dropout*>(attrs), position, static_cast<const T*>(in), stride,
         static_cast<T*>(out), n);
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
  const std::int64_t bytes = element_bytes(c.outputs[0].dtype);
  const char* x = static_cast<const char*>(c.inputs[0].data);
  char* y = static_cast<char*>(c.outputs[0].data);
  parallel(c.outputs[0].numel, kGrain, [&](std::int64_t begin, std::int64_t end) {
    dropout_entries(attrs, begin, x + begin * bytes, 1, c.outputs[0].dtype, y + begin * bytes,
                    end - begin);
  });
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

KernelRow row_Dropout() {
  return {.forward = dropout, .entries = dropout_entries, .dtypes = kFloatTypes};
}
KernelRow row_RandomUniform() { return row_of(uniform); }
KernelRow row_RandomNormal() { return row_of(normal); }

}  // namespace catena::cpu::CATENA_ISA
