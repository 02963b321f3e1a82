#include "catena/ops/index_select.hpp"

#include "catena/backends/cpu/kernel.hpp"
#include "catena/backends/cpu/kernel_error.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

constexpr std::int64_t kGrainBytes = 256 * 1024;

// What both kernels do: `outer` blocks of rows of `inner` elements, chosen or hit by `index`.
struct Problem {
  const char* op;
  std::int64_t dim, outer, size, count, inner;  // size: entries along dim on the indexed side
};

Problem describe(const char* op, std::int64_t dim, std::int64_t size, const KernelContext& c) {
  const TensorView& x = c.inputs[0];
  const int rank = x.shape.rank();
  if (dim < 0) dim += rank;
  Problem p{op, dim, 1, size < 0 ? x.shape.data()[dim] : size, c.inputs[1].numel, 1};
  for (int d = 0; d < dim; ++d) p.outer *= x.shape.data()[d];
  for (int d = static_cast<int>(dim) + 1; d < rank; ++d) p.inner *= x.shape.data()[d];
  return p;
}

template <class I>
void check(const Problem& p, const I* index, const KernelContext& c) {
  bool valid = true;
  for (std::int64_t j = 0; j < p.count; ++j) valid &= index[j] >= 0 && index[j] < p.size;
  if (valid) return;
  std::int64_t j = 0;
  while (index[j] >= 0 && index[j] < p.size) ++j;
  throw_index_out_of_range(p.op, index[j], j, p.dim, p.size, c);
}

template <class Row, class I>
void select_rows(const Problem& p, const Row* x, const I* index, Row* y, std::int64_t begin,
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
void select(const Problem& p, const I* index, const KernelContext& c) {
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

// Rows [first, last) of one block of y, in the order of the index: the same sums whatever the cut.
template <class T, class I>
void add_rows(const Problem& p, const T* x, const I* index, T* y, std::int64_t first,
              std::int64_t last) {
  std::memset(y + first * p.inner, 0,
              static_cast<std::size_t>((last - first) * p.inner) * sizeof(T));
  for (std::int64_t j = 0; j < p.count; ++j) {
    const std::int64_t row = index[j];
    if (row < first || row >= last) continue;
    T* to = y + row * p.inner;
    const T* from = x + j * p.inner;
    for (std::int64_t i = 0; i < p.inner; ++i) to[i] = static_cast<T>(to[i] + from[i]);
  }
}

template <class I>
void add(const Problem& p, const I* index, const KernelContext& c) {
  check(p, index, c);
  if (c.outputs[0].numel == 0) return;
  visit_compute(c.inputs[0].dtype, [&]<class T>(T) {
    const T* x = static_cast<const T*>(c.inputs[0].data);
    T* y = static_cast<T*>(c.outputs[0].data);
    // Wide rows are worth a scan of the index by every cut; at most 16 cuts, set by shapes alone.
    const std::int64_t work = (p.count + p.size) * p.inner;
    const std::int64_t cuts =
        p.inner < 16 ? 1 : min_of(min_of<std::int64_t>(16, work / 65536 + 1), p.size);
    const std::int64_t rows = (p.size + cuts - 1) / cuts;
    parallel(p.outer * cuts, max_of<std::int64_t>(1, 65536 / max_of<std::int64_t>(1, work / cuts)),
             [&](std::int64_t begin, std::int64_t end) {
               for (std::int64_t k = begin; k < end; ++k) {
                 const std::int64_t block = k / cuts, first = k % cuts * rows;
                 if (first >= p.size) continue;
                 add_rows(p, x + block * p.count * p.inner, index, y + block * p.size * p.inner,
                          first, min_of(p.size, first + rows));
               }
             });
  });
}

void index_select(const void* op, const KernelContext& c) {
  const Problem p =
      describe(OpName<op::IndexSelect>::value, static_cast<const op::IndexSelect*>(op)->dim, -1, c);
  const TensorView& index = c.inputs[1];
  if (index.dtype == DType::kInt32)
    select(p, static_cast<const std::int32_t*>(index.data), c);
  else
    select(p, static_cast<const std::int64_t*>(index.data), c);
}

void index_add(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::IndexAdd*>(attrs);
  const Problem p = describe(OpName<op::IndexAdd>::value, op.dim, op.size, c);
  const TensorView& index = c.inputs[1];
  if (index.dtype == DType::kInt32)
    add(p, static_cast<const std::int32_t*>(index.data), c);
  else
    add(p, static_cast<const std::int64_t*>(index.data), c);
}

}  // namespace

KernelRow row_IndexSelect() {
  KernelRow row;
  row.forward = index_select;
  row.dtypes = kAllTypes;
  return row;
}

KernelRow row_IndexAdd() {
  KernelRow row;
  row.forward = index_add;
  row.dtypes = kNumberTypes;
  return row;
}

}  // namespace catena::cpu::CATENA_ISA
