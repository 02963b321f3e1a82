#include "catena/ops/gather.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/kernel_error.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kGrain = 32768;  // elements of a range

// The index as rows (its last dimension), and where each row lies in the tensor that is addressed:
// element j of row r is there at base(r) + index[r, j] * step, plus j unless dim is the last.
struct Lines {
  const char* op;
  int dim, last;        // last: number of the last dimension
  std::int64_t size;    // entries of the addressed tensor along dim
  std::int64_t step;    // their distance
  std::int64_t length;  // of a row of the index
  const TensorView& index;
  std::int64_t stride[kMaxRank];  // of the addressed tensor, 0 along dim

  Lines(const char* name, std::int64_t given, const TensorView& addressed, const TensorView& i)
      : op(name), last(i.shape.rank() - 1), index(i) {
    dim = static_cast<int>(given < 0 ? given + last + 1 : given);
    std::int64_t distance = 1;
    for (int d = last; d >= 0; --d) {
      stride[d] = distance;
      distance *= addressed.shape.data()[d];
    }
    size = addressed.shape.data()[dim];
    step = stride[dim];
    stride[dim] = 0;
    length = i.shape.data()[last];
  }
  CATENA_INLINE std::int64_t base(std::int64_t row) const {
    std::int64_t at = 0;
    for (int d = last - 1; d >= 0; --d) {
      at += row % index.shape.data()[d] * stride[d];
      row /= index.shape.data()[d];
    }
    return at;
  }
  // Calls f(element of the index, element of the addressed tensor) for [begin, end) of a row.
  template <class I, class F>
  CATENA_INLINE void visit(std::int64_t row, std::int64_t begin, std::int64_t end,
                           const F& f) const {
    const I* at = static_cast<const I*>(index.data) + row * length;
    const std::int64_t from = base(row), first = row * length;
    const auto place = [&](std::int64_t j) {
      const std::int64_t k = at[j];
      return from + (k < 0 ? k + size : k) * step;
    };
    if (dim == last)
      for (std::int64_t j = begin; j < end; ++j) f(first + j, place(j));
    else
      for (std::int64_t j = begin; j < end; ++j) f(first + j, place(j) + j);
  }
};

template <class I>
void check(const Lines& p, const KernelContext& c) {
  const I* index = static_cast<const I*>(p.index.data);
  const std::int64_t n = p.index.numel;
  bool valid = true;
  for (std::int64_t j = 0; j < n; ++j) valid &= index[j] >= -p.size && index[j] < p.size;
  if (valid) return;
  std::int64_t j = 0;
  while (index[j] >= -p.size && index[j] < p.size) ++j;
  throw_index_out_of_range(p.op, index[j], j, p.index.shape, p.dim, p.size, -p.size, c);
}

// f(T{}) with an unsigned type of the element's size: these move bytes.
template <class F>
CATENA_INLINE void visit_bytes(DType dtype, const F& f) {
  switch (element_bytes(dtype)) {
    case 1:
      return f(std::uint8_t{});
    case 2:
      return f(std::uint16_t{});
    case 4:
      return f(std::uint32_t{});
    default:
      return f(std::uint64_t{});
  }
}

void gather(const void* attrs, const KernelContext& c) {
  const Lines p(OpName<op::Gather>::value, static_cast<const op::Gather*>(attrs)->dim, c.inputs[0],
                c.inputs[1]);
  visit_index(p.index.dtype, [&]<class I>(I) {
    check<I>(p, c);
    visit_bytes(c.inputs[0].dtype, [&]<class T>(T) {
      const T* x = static_cast<const T*>(c.inputs[0].data);
      T* y = static_cast<T*>(c.outputs[0].data);
      parallel(p.index.numel, kGrain, [&](std::int64_t begin, std::int64_t end) {
        while (begin < end) {
          const std::int64_t row = begin / p.length, first = begin % p.length;
          const std::int64_t stop = min_of(p.length, first + end - begin);
          p.visit<I>(row, first, stop,
                     [&](std::int64_t to, std::int64_t from) { y[to] = x[from]; });
          begin += stop - first;
        }
      });
    });
  });
}

// y = x, then put(y[..], src[..]) in row-major order of the index. A range of work owns what it
// writes: everything under some of the indices before `dim`, or columns when dim is not the last.
template <class I, class T, class Put>
void scatter_with(const Lines& p, const KernelContext& c, const Put& put) {
  check<I>(p, c);
  const T* x = static_cast<const T*>(c.inputs[0].data);
  const T* src = static_cast<const T*>(c.inputs[2].data);
  T* y = static_cast<T*>(c.outputs[0].data);
  parallel(c.outputs[0].numel, 8 * kGrain, [&](std::int64_t begin, std::int64_t end) {
    std::memcpy(y + begin, x + begin, static_cast<std::size_t>(end - begin) * sizeof(T));
  });
  if (p.index.numel == 0) return;
  // With dim last every row is a block of its own.
  std::int64_t blocks = p.dim == p.last ? p.index.numel / p.length : 1;
  for (int d = 0; d < p.dim && p.dim != p.last; ++d) blocks *= p.index.shape.data()[d];
  const std::int64_t block_rows = p.index.numel / p.length / blocks;
  const std::int64_t width = p.dim == p.last ? p.length : 256;
  const std::int64_t cuts = (p.length + width - 1) / width, tasks = blocks * cuts;
  const std::int64_t work = block_rows * min_of(width, p.length);
  parallel(tasks, max_of<std::int64_t>(1, kGrain / work),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t t = begin; t < end; ++t) {
               const std::int64_t first = t % cuts * width, stop = min_of(p.length, first + width);
               for (std::int64_t r = t / cuts * block_rows; r < (t / cuts + 1) * block_rows; ++r)
                 p.visit<I>(r, first, stop,
                            [&](std::int64_t from, std::int64_t to) { put(y[to], src[from]); });
             }
           });
}

void scatter(const void* attrs, const KernelContext& c) {
  const Lines p(OpName<op::Scatter>::value, static_cast<const op::Scatter*>(attrs)->dim,
                c.inputs[0], c.inputs[1]);
  visit_index(p.index.dtype, [&]<class I>(I) {
    visit_bytes(c.inputs[0].dtype,
                [&]<class T>(T) { scatter_with<I, T>(p, c, [](T& to, T from) { to = from; }); });
  });
}

void scatter_add(const void* attrs, const KernelContext& c) {
  const Lines p(OpName<op::ScatterAdd>::value, static_cast<const op::ScatterAdd*>(attrs)->dim,
                c.inputs[0], c.inputs[1]);
  visit_index(p.index.dtype, [&]<class I>(I) {
    visit_compute(c.inputs[0].dtype, [&]<class T>(T) {
      scatter_with<I, T>(p, c, [](T& to, T from) { to = static_cast<T>(to + from); });
    });
  });
}

KernelRow row_of(KernelFn forward, DTypeSet dtypes) {
  return {.forward = forward, .dtypes = dtypes};
}

}  // namespace

KernelRow row_Gather() { return row_of(gather, kAllTypes); }
KernelRow row_Scatter() { return row_of(scatter, kAllTypes); }
KernelRow row_ScatterAdd() { return row_of(scatter_add, kNumberTypes); }

}  // namespace catena::cpu::CATENA_ISA
