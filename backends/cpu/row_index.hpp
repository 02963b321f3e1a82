// Rows of a tensor chosen by number: what index_select and embedding share. Input 0 holds the rows,
// input 1 the numbers.
#pragma once

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/kernel_error.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kGrainBytes = 256 * 1024;

// `outer` blocks of rows of `inner` elements, chosen or hit by `index`.
struct RowIndex {
  const char* op;
  std::int64_t dim, outer, size, count, inner;  // size: entries along dim on the indexed side
};

RowIndex describe(const char* op, std::int64_t dim, std::int64_t size, const KernelContext& c) {
  const TensorView& x = c.inputs[0];
  const int rank = x.shape.rank();
  if (dim < 0) dim += rank;
  RowIndex p{op, dim, 1, size < 0 ? x.shape.data()[dim] : size, c.inputs[1].numel, 1};
  for (int d = 0; d < dim; ++d) p.outer *= x.shape.data()[d];
  for (int d = static_cast<int>(dim) + 1; d < rank; ++d) p.inner *= x.shape.data()[d];
  return p;
}

template <class I>
void check(const RowIndex& p, const I* index, const KernelContext& c) {
  bool valid = true;
  for (std::int64_t j = 0; j < p.count; ++j) valid &= index[j] >= 0 && index[j] < p.size;
  if (valid) return;
  std::int64_t j = 0;
  while (index[j] >= 0 && index[j] < p.size) ++j;
  throw_index_out_of_range(p.op, index[j], j, c.inputs[1].shape, p.dim, p.size, 0, c);
}

template <class Row, class I>
void select_rows(const RowIndex& p, const Row* x, const I* index, Row* y, std::int64_t begin,
                 std::int64_t end) {
  while (begin < end) {
    const std::int64_t block = begin / p.count, first = begin % p.count;
    const std::int64_t last = min_of(p.count, first + end - begin);
    const Row* from = x + block * p.size;
    Row* to = y + block * p.count;
    for (std::int64_t j = first; j < last; ++j) to[j] = from[index[j]];
    begin += last - first;
  }
}

template <class I>
void select(const RowIndex& p, const I* index, const KernelContext& c) {
  check(p, index, c);
  const std::int64_t bytes = p.inner * element_bytes(c.inputs[0].dtype);
  const char* x = static_cast<const char*>(c.inputs[0].data);
  char* y = static_cast<char*>(c.outputs[0].data);
  if (c.outputs[0].numel == 0) return;
  parallel(p.outer * p.count, max_of<std::int64_t>(1, kGrainBytes / bytes),
           [&](std::int64_t begin, std::int64_t end) {
             // Single elements are not worth a call of memcpy each.
             // Words of two smaller elements may start between multiples of their size.
             const std::uintptr_t at =
                 reinterpret_cast<std::uintptr_t>(x) | reinterpret_cast<std::uintptr_t>(y);
             if (bytes == 4 && at % 4 == 0)
               return select_rows(p, reinterpret_cast<const std::uint32_t*>(x), index,
                                  reinterpret_cast<std::uint32_t*>(y), begin, end);
             if (bytes == 8 && at % 8 == 0)
               return select_rows(p, reinterpret_cast<const std::uint64_t*>(x), index,
                                  reinterpret_cast<std::uint64_t*>(y), begin, end);
             for (std::int64_t r = begin; r < end; ++r) {
               const std::int64_t from = r / p.count * p.size + index[r % p.count];
               std::memcpy(y + r * bytes, x + from * bytes, static_cast<std::size_t>(bytes));
             }
           });
}

}  // namespace
}  // namespace catena::cpu::CATENA_ISA
