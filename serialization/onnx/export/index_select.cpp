#include "catena/ops/index_select.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::IndexSelect& op) {
  const Value& x = e.in(0);
  e.result(e.gather(x, e.in(1), static_cast<int>(Emitter::resolved(op.dim, x.rank()))));
}

void export_op(Emitter& e, const op::IndexAdd& op) {
  e.need_opset(16, "adding at an index");
  const Value& x = e.in(0);
  const int dim = static_cast<int>(Emitter::resolved(op.dim, x.rank()));
  SymbolicShape column(x.shape.size(), 1);
  column[static_cast<std::size_t>(dim)] = x.size(dim);
  const Value index = e.expand(e.reshape(e.in(1), column), x.shape);
  const Value nothing = e.expand(e.like(x, 0), e.out().shape);
  e.result(e.node("ScatterElements", {nothing, index, x}, x.dtype, e.out().shape,
                  {{"axis", dim}, {"reduction", "add"}}));
}

}  // namespace catena::onnx_export
