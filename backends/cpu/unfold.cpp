// CPU kernels of unfold and fold. A row of columns (one entry of all windows) is copied line by
// line of the image; zeros where the window hangs over its edge.
#include "catena/ops/unfold.hpp"

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kGrain = 65536;  // elements of a range

struct Windows {
  int dims;
  std::int64_t size[kMaxRank], kernel[kMaxRank], dilation[kMaxRank], padding[kMaxRank],
      stride[kMaxRank], count[kMaxRank];
  std::int64_t plane = 1, entries = 1, windows = 1;  // of an image, of a window, of them

  template <class Op>
  Windows(const Op& op, const TensorView& image) : dims(image.shape.rank() - 2) {
    const auto at = [](const Shape& given, int d) {
      return given.data()[given.rank() == 1 ? 0 : d];
    };
    for (int d = 0; d < dims; ++d) {
      size[d] = image.shape.data()[d + 2];
      kernel[d] = at(op.kernel_size, d);
      dilation[d] = at(op.dilation, d);
      padding[d] = at(op.padding, d);
      stride[d] = at(op.stride, d);
      count[d] = (size[d] + 2 * padding[d] - dilation[d] * (kernel[d] - 1) - 1) / stride[d] + 1;
      plane *= size[d];
      entries *= kernel[d];
      windows *= count[d];
    }
  }
};

// Calls line(at, from, first, last) for the lines of windows that entry `entry` of a window meets:
// window `at` is the first of the line; of its windows those in [first, last) meet the image, the
// first at position `from`, the next a stride of the last dimension on. An empty range meets none.
template <class Line>
CATENA_INLINE void for_lines(const Windows& s, std::int64_t entry, const Line& line) {
  const int last_dim = s.dims - 1;
  std::int64_t offset[kMaxRank];  // of the entry against the window's start
  for (int d = last_dim; d >= 0; --d) {
    offset[d] = entry % s.kernel[d] * s.dilation[d] - s.padding[d];
    entry /= s.kernel[d];
  }
  // The windows of a line whose entry is at 0 or beyond, and those where it is inside.
  const std::int64_t step = s.stride[last_dim], shift = offset[last_dim], all = s.count[last_dim];
  const std::int64_t first = min_of(all, shift >= 0 ? 0 : (-shift + step - 1) / step);
  const std::int64_t inside =
      s.size[last_dim] > shift ? (s.size[last_dim] - shift + step - 1) / step : 0;
  const std::int64_t last = max_of(first, min_of(all, inside));
  std::int64_t index[kMaxRank] = {};
  for (std::int64_t at = 0; at < s.windows; at += all) {
    std::int64_t from = 0;
    bool within = true;
    for (int d = 0; d < last_dim; ++d) {
      const std::int64_t i = index[d] * s.stride[d] + offset[d];
      within = within && i >= 0 && i < s.size[d];
      from = (from + i) * s.size[d + 1];
    }
    line(at, from + first * step + shift, within ? first : all, within ? last : all);
    for (int d = last_dim - 1; d >= 0; --d) {
      if (++index[d] < s.count[d]) break;
      index[d] = 0;
    }
  }
}

void unfold(const void* attrs, const KernelContext& c) {
  const TensorView &x = c.inputs[0], &y = c.outputs[0];
  if (y.numel == 0) return;
  const Windows s(*static_cast<const op::Unfold*>(attrs), x);
  const std::int64_t step = s.stride[s.dims - 1], all = s.count[s.dims - 1];
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(x.data);
    T* to = static_cast<T*>(y.data);
    parallel(y.numel / s.windows, max_of<std::int64_t>(1, kGrain / s.windows),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t r = begin; r < end; ++r) {
                 const T* image = from + r / s.entries * s.plane;
                 for_lines(s, r % s.entries,
                           [&](std::int64_t at, std::int64_t position, std::int64_t first,
                               std::int64_t last) {
                             T* out = to + r * s.windows + at;
                             for (std::int64_t i = 0; i < first; ++i) out[i] = T(0);
                             if (first < last) {
                               const T* in = image + position;
                               if (step == 1)
                                 for (std::int64_t i = 0; i < last - first; ++i)
                                   out[first + i] = in[i];
                               else
                                 for (std::int64_t i = 0; i < last - first; ++i)
                                   out[first + i] = in[i * step];
                             }
                             for (std::int64_t i = last; i < all; ++i) out[i] = T(0);
                           });
               }
             });
  });
}

// Images are apart from each other, so ranges of them are; within one the order is that of x.
void fold(const void* attrs, const KernelContext& c) {
  const TensorView &x = c.inputs[0], &y = c.outputs[0];
  if (y.numel == 0) return;
  const Windows s(*static_cast<const op::Fold*>(attrs), y);
  const std::int64_t step = s.stride[s.dims - 1];
  const std::int64_t columns = s.entries * s.windows;
  visit_float(x.dtype, [&](auto zero) {
    using T = decltype(zero);
    const T* from = static_cast<const T*>(x.data);
    T* to = static_cast<T*>(y.data);
    parallel(y.numel / s.plane, max_of<std::int64_t>(1, kGrain / columns),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t r = begin; r < end; ++r) {
                 T* image = to + r * s.plane;
                 for (std::int64_t i = 0; i < s.plane; ++i) image[i] = T(0);
                 for (std::int64_t k = 0; k < s.entries; ++k) {
                   const T* row = from + (r * s.entries + k) * s.windows;
                   for_lines(s, k,
                             [&](std::int64_t at, std::int64_t position, std::int64_t first,
                                 std::int64_t last) {
                               if (first >= last) return;
                               const T* in = row + at + first;
                               T* out = image + position;
                               if (step == 1)
                                 for (std::int64_t i = 0; i < last - first; ++i)
                                   out[i] = out[i] + in[i];
                               else
                                 for (std::int64_t i = 0; i < last - first; ++i)
                                   out[i * step] = out[i * step] + in[i];
                             });
                 }
               }
             });
  });
}

}  // namespace

KernelRow row_Unfold() { return {.forward = unfold, .dtypes = kFloatTypes}; }
KernelRow row_Fold() { return {.forward = fold, .dtypes = kFloatTypes}; }

}  // namespace catena::cpu::CATENA_ISA
