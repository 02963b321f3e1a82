#include "catena/ops/sort.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"
#include "catena/serialization/onnx/export/numbers.hpp"

namespace catena::onnx_export {
namespace {

std::vector<Value> top(Emitter& e, const Value& x, const SymbolicInt& k, std::int64_t dim,
                       bool largest) {
  SymbolicShape shape = x.shape;
  shape[static_cast<std::size_t>(dim)] = k;
  return e.nodes("TopK", {x, e.sizes({k})}, {{"", x.dtype, shape}, {"", kInt64, shape}},
                 {{"axis", dim}, {"largest", largest ? 1 : 0}, {"sorted", 1}});
}

}  // namespace

void export_op(Emitter& e, const op::Sort& op) {
  const Value x = widened(e, e.in(0));
  const std::int64_t dim = Emitter::resolved(op.dim, x.rank());
  const std::vector<Value> y = top(e, x, x.size(static_cast<int>(dim)), dim, op.descending);
  e.result(narrow(e, y[0], e.in(0).dtype), 0);
  e.result(y[1], 1);
}

void export_op(Emitter& e, const op::TopK& op) {
  const Value x = widened(e, e.in(0));
  const std::int64_t dim = Emitter::resolved(op.dim, x.rank());
  const SymbolicInt k = e.size_of("k");
  std::vector<Value> y = top(e, x, k, dim, op.largest);
  if (!op.sorted) {
    // In the order of x: by their places.
    const Value places = top(e, y[1], k, dim, false)[0];
    y = {e.node("GatherElements", {x, places}, x.dtype, places.shape, {{"axis", dim}}), places};
  }
  e.result(narrow(e, y[0], e.in(0).dtype), 0);
  e.result(y[1], 1);
}

}  // namespace catena::onnx_export
