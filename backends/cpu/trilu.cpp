#include "catena/ops/trilu.hpp"

#include "catena/backends/cpu/kernel.hpp"

namespace catena::cpu::CATENA_ISA {
namespace {

// Each row is a run that is kept and one of zeros.
void trilu(const void* attrs, const KernelContext& c) {
  const auto& op = *static_cast<const op::Trilu*>(attrs);
  const TensorView &x = c.inputs[0], &y = c.outputs[0];
  if (y.numel == 0) return;
  const int rank = y.shape.rank();
  const std::int64_t rows = y.shape.data()[rank - 2], columns = y.shape.data()[rank - 1];
  const std::int64_t element = element_bytes(y.dtype), bytes = columns * element;
  // Diagonals beyond the corners are all the same; this keeps sums within range.
  const std::int64_t diagonal = max_of(-rows - 1, min_of(columns + 1, op.diagonal));
  const char* from = static_cast<const char*>(x.data);
  char* to = static_cast<char*>(y.data);
  parallel(y.numel / columns, max_of<std::int64_t>(1, 262144 / bytes),
           [&](std::int64_t begin, std::int64_t end) {
             for (std::int64_t r = begin; r < end; ++r) {
               // The first column on the other side of the edge.
               const std::int64_t edge = r % rows + diagonal + (op.upper ? 0 : 1);
               const std::int64_t cut = min_of(columns, max_of<std::int64_t>(0, edge)) * element;
               const std::int64_t kept = op.upper ? cut : 0, stop = op.upper ? bytes : cut;
               char* row = to + r * bytes;
               if (op.upper)
                 std::memset(row, 0, static_cast<std::size_t>(cut));
               else
                 std::memset(row + cut, 0, static_cast<std::size_t>(bytes - cut));
               std::memcpy(row + kept, from + r * bytes + kept,
                           static_cast<std::size_t>(stop - kept));
             }
           });
}

}  // namespace

KernelRow row_Trilu() { return {.forward = trilu, .dtypes = kAllTypes}; }

}  // namespace catena::cpu::CATENA_ISA
