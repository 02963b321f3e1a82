#include "catena/ops/pad.hpp"

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kGrain = 65536;  // elements of a range

// Entry i of a padded dimension of `size` entries, counted from the first one of the middle, comes
// from this entry, or from nowhere (-1).
CATENA_INLINE std::int64_t source_of(PadMode mode, std::int64_t i, std::int64_t size) {
  if (i >= 0 && i < size) return i;
  switch (mode) {
    case PadMode::kReflect:
      return i < 0 ? -i : 2 * (size - 1) - i;
    case PadMode::kReplicate:
      return i < 0 ? 0 : size - 1;
    case PadMode::kCircular:
      return i < 0 ? i + size : i - size;
    default:
      return -1;
  }
}

// The larger tensor (with the border) and the smaller one as lines of the last padded dimension;
// what follows it is one run of `inner` elements, what precedes the first one are `outer` blocks.
struct Border {
  PadMode mode;
  int first = 0, last = 0;  // the padded dimensions, and those between
  const std::int64_t *small, *large, *before;
  std::int64_t outer = 1, inner = 1, lines = 1;  // lines of the larger tensor per block

  Border(PadMode m, const TensorView& smaller, const TensorView& larger, const Shape& in_front)
      : mode(m), small(smaller.shape.data()), large(larger.shape.data()), before(in_front.data()) {
    const int rank = larger.shape.rank();
    last = rank - 1;
    while (last > 0 && small[last] == large[last]) --last;
    while (first < last && small[first] == large[first]) ++first;
    for (int d = 0; d < first; ++d) outer *= large[d];
    for (int d = first; d < last; ++d) lines *= large[d];
    for (int d = last + 1; d < rank; ++d) inner *= large[d];
  }
  // Elements of one block of the smaller tensor.
  CATENA_INLINE std::int64_t small_block() const {
    std::int64_t n = inner;
    for (int d = first; d <= last; ++d) n *= small[d];
    return n;
  }
  // The line of a block of the smaller tensor that line `row` of the larger one comes from, or -1.
  CATENA_INLINE std::int64_t source_line(std::int64_t row) const {
    std::int64_t line = 0, stride = 1;
    for (int d = last - 1; d >= first; --d) {
      const std::int64_t i = source_of(mode, row % large[d] - before[d], small[d]);
      if (i < 0) return -1;
      line += i * stride;
      stride *= small[d];
      row /= large[d];
    }
    return line;
  }
};

template <class T>
CATENA_INLINE void fill(T* y, std::int64_t n, T value) {
  for (std::int64_t i = 0; i < n; ++i) y[i] = value;
}

// One line: both sides entry by entry, the middle in one copy.
template <class T>
void pad_line(const Border& b, const T* x, T* y, T value) {
  const std::int64_t front = b.before[b.last], size = b.small[b.last], all = b.large[b.last];
  const auto side = [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const std::int64_t from = source_of(b.mode, i - front, size);
      if (from < 0)
        fill(y + i * b.inner, b.inner, value);
      else
        for (std::int64_t k = 0; k < b.inner; ++k) y[i * b.inner + k] = x[from * b.inner + k];
    }
  };
  side(0, front);
  if (size > 0)
    std::memcpy(y + front * b.inner, x, static_cast<std::size_t>(size * b.inner) * sizeof(T));
  side(front + size, all);
}

void pad(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::Pad*>(attrs);
  const TensorView &x = c.inputs[0], &y = c.outputs[0];
  if (y.numel == 0) return;
  visit_compute(y.dtype, [&]<class T>(T) {
    const T* from = static_cast<const T*>(x.data);
    T* to = static_cast<T*>(y.data);
    if (y.shape.rank() == 0) {
      *to = *from;
      return;
    }
    const Border b(pad_mode_of(op), x, y, op.before);
    const std::int64_t small = b.small_block(), line = b.small[b.last] * b.inner,
                       large = b.large[b.last] * b.inner;
    const T value = static_cast<T>(op.value);
    parallel(b.outer * b.lines, max_of<std::int64_t>(1, kGrain / large),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t r = begin; r < end; ++r) {
                 const std::int64_t source = b.source_line(r % b.lines);
                 if (source < 0)
                   fill(to + r * large, large, value);
                 else
                   pad_line(b, from + r / b.lines * small + source * line, to + r * large, value);
               }
             });
  });
}

// Blocks are apart from each other, so ranges of them are; within one the order is that of x.
void pad_adjoint(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::PadAdjoint*>(attrs);
  const TensorView &x = c.inputs[0], &y = c.outputs[0];
  if (y.numel == 0) return;
  visit_compute(y.dtype, [&]<class T>(T) {
    const T* from = static_cast<const T*>(x.data);
    T* to = static_cast<T*>(y.data);
    if (y.shape.rank() == 0) {
      *to = *from;
      return;
    }
    const Border b(pad_mode_of(op), y, x, op.before);
    const std::int64_t small = b.small_block(), size = b.small[b.last], line = size * b.inner,
                       all = b.large[b.last], large = all * b.inner, front = b.before[b.last];
    parallel(b.outer, max_of<std::int64_t>(1, kGrain / (large * b.lines)),
             [&](std::int64_t begin, std::int64_t end) {
               std::memset(to + begin * small, 0,
                           static_cast<std::size_t>((end - begin) * small) * sizeof(T));
               for (std::int64_t r = begin * b.lines; r < end * b.lines; ++r) {
                 const std::int64_t source = b.source_line(r % b.lines);
                 if (source < 0) continue;
                 const T* g = from + r * large;
                 T* out = to + r / b.lines * small + source * line;
                 const auto side = [&](std::int64_t first, std::int64_t last) {
                   for (std::int64_t i = first; i < last; ++i) {
                     const std::int64_t at = source_of(b.mode, i - front, size);
                     if (at < 0) continue;
                     for (std::int64_t k = 0; k < b.inner; ++k)
                       out[at * b.inner + k] =
                           static_cast<T>(out[at * b.inner + k] + g[i * b.inner + k]);
                   }
                 };
                 side(0, front);
                 const T* middle = g + front * b.inner;
                 for (std::int64_t k = 0; k < line; ++k)
                   out[k] = static_cast<T>(out[k] + middle[k]);
                 side(front + size, all);
               }
             });
  });
}

KernelRow row_of(KernelFn forward, DTypeSet dtypes) {
  return {.forward = forward, .dtypes = dtypes};
}

}  // namespace

KernelRow row_Pad() { return row_of(pad, kComputeTypes); }
KernelRow row_PadAdjoint() { return row_of(pad_adjoint, kNumberTypes); }

}  // namespace catena::cpu::CATENA_ISA
