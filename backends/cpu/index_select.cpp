#include "catena/ops/index_select.hpp"

#include "catena/backends/cpu/row_index.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Rows [first, last) of one block of y, in the order of the index: the same sums whatever the cut.
template <class T, class I>
void add_rows(const RowIndex& p, const T* x, const I* index, T* y, std::int64_t first,
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
void add(const RowIndex& p, const I* index, const KernelContext& c) {
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
  const RowIndex p =
      describe(OpName<op::IndexSelect>::value, static_cast<const op::IndexSelect*>(op)->dim, -1, c);
  visit_index(c.inputs[1].dtype,
              [&]<class I>(I) { select(p, static_cast<const I*>(c.inputs[1].data), c); });
}

void index_add(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::IndexAdd*>(attrs);
  const RowIndex p = describe(OpName<op::IndexAdd>::value, op.dim, op.size, c);
  visit_index(c.inputs[1].dtype,
              [&]<class I>(I) { add(p, static_cast<const I*>(c.inputs[1].data), c); });
}

}  // namespace

KernelRow row_IndexSelect() { return {.forward = index_select, .dtypes = kAllTypes}; }

KernelRow row_IndexAdd() { return {.forward = index_add, .dtypes = kNumberTypes}; }

}  // namespace catena::cpu::CATENA_ISA
