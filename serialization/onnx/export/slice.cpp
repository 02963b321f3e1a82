#include "catena/ops/slice.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Slice& op) {
  const Value& x = e.in(0);
  const SymbolicShape start = e.sizes_of("start"), length = e.sizes_of("length");
  SymbolicShape starts, stops;
  std::vector<std::int64_t> dims, steps;
  for (int d = 0; d < x.rank(); ++d) {
    const auto i = static_cast<std::size_t>(d);
    if (start[i] == SymbolicInt(0) && op.step[d] == 1 && length[i] == x.size(d)) continue;
    // Behind the last entry; beyond the end is cut off.
    const SymbolicInt stop = sum(start[i], times(length[i], op.step[d]));
    if (!stop.is_known()) e.refuse("the end of a slice depends on several axes");
    starts.push_back(start[i]);
    stops.push_back(stop);
    dims.push_back(d);
    steps.push_back(op.step[d]);
  }
  if (dims.empty()) return e.result(e.unary("Identity", x));
  e.result(e.node("Slice", {x, e.sizes(starts), e.sizes(stops), e.ints(dims), e.ints(steps)},
                  x.dtype, e.out().shape));
}

// Zeros behind each entry make the steps, zeros around the whole the rest.
void export_op(Emitter& e, const op::SliceAdjoint& op) {
  Value x = e.in(0);
  for (int d = 0; d < x.rank(); ++d) {
    if (op.step[d] == 1) continue;
    SymbolicShape none(x.shape.size() + 1, 0), behind = none, spread = x.shape;
    behind[static_cast<std::size_t>(d) + 1] = op.step[d] - 1;
    SymbolicInt& size = spread[static_cast<std::size_t>(d)];
    size = times(size, op.step[d]);
    x = e.reshape(e.pad(e.unsqueeze(x, d + 1), none, behind), spread);
  }
  const SymbolicShape before = e.sizes_of("start");
  SymbolicShape after;
  for (int d = 0; d < x.rank(); ++d) {
    const auto i = static_cast<std::size_t>(d);
    after.push_back(sum(e.sizes_of("shape")[i], times(sum(before[i], x.size(d)), -1)));
  }
  Value y = e.pad(x, before, after);
  y.shape = e.out().shape;
  e.result(y);
}

}  // namespace catena::onnx_export
