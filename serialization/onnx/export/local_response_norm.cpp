#include "catena/ops/local_response_norm.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::LocalResponseNorm& op) {
  const Value& x = e.in(0);
  // LRN puts the further channel of an even size behind, we in front; runtimes have it for images.
  if (op.size % 2 == 1 && x.rank() == 4 && x.dtype == kFloat32)
    return e.result(e.unary(
        "LRN", x, {{"alpha", op.alpha}, {"beta", op.beta}, {"bias", op.k}, {"size", op.size}}));
  SymbolicShape before(x.shape.size(), 0), after = before;
  before[1] = op.size / 2;
  after[1] = (op.size - 1) / 2;
  const Value squares = e.pad(e.mul(x, x), before, after);
  Value total;
  for (std::int64_t i = 0; i < op.size; ++i) {
    const Value part = e.slice(squares, 1, i, plus(x.size(1), i));
    total = total ? e.add(total, part) : part;
  }
  const double factor = op.alpha / static_cast<double>(op.size);
  const Value base = e.add(e.mul(total, e.like(x, factor)), e.like(x, op.k));
  e.result(e.div(x, e.binary("Pow", base, e.like(x, op.beta))));
}

}  // namespace catena::onnx_export
