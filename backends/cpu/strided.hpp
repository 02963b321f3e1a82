// Reading a tensor of any strides in row-major order, for kernels whose order of work (and so whose
// rounding) must not depend on the strides.
#pragma once

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/pointwise_program.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// `count` elements of `v` from row-major position `start`: where they lie when they are contiguous,
// otherwise copied to `buffer`, or computed there.
template <class T>
[[gnu::noinline]] const T* gather(const TensorView& v, std::int64_t start, std::int64_t count,
                                  T* buffer) {
  if (v.program) {
    compute_range(*v.program, start, count, buffer);
    return buffer;
  }
  const T* data = static_cast<const T*>(v.data);
  const std::int64_t* sizes = v.shape.data();
  const std::int64_t* strides = v.strides.data();
  const int last = v.shape.rank() - 1;
  if (last < 0) return data;
  std::int64_t index[kMaxRank];
  std::int64_t offset = 0;
  for (int d = last; d >= 0; --d) {
    index[d] = start % sizes[d];
    start /= sizes[d];
    offset += index[d] * strides[d];
  }
  const std::int64_t step = strides[last];
  if ((step == 1 || sizes[last] == 1) && sizes[last] - index[last] >= count) return data + offset;
  for (std::int64_t done = 0; done < count;) {
    const std::int64_t run = min_of(count - done, sizes[last] - index[last]);
    const T* p = data + offset;
    for (std::int64_t i = 0; i < run; ++i) buffer[done + i] = p[i * step];
    done += run;
    offset -= index[last] * step;
    index[last] = 0;
    for (int d = last - 1; d >= 0; --d) {
      offset += strides[d];
      if (++index[d] < sizes[d]) break;
      offset -= index[d] * strides[d];
      index[d] = 0;
    }
  }
  return buffer;
}

template <class T>
struct Reader {
  const TensorView& view;
  CATENA_INLINE const T* at(std::int64_t start, std::int64_t count, T* buffer) const {
    if (view.contiguous) return static_cast<const T*>(view.data) + start;
    return gather(view, start, count, buffer);
  }
};

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
