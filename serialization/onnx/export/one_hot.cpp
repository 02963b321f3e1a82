#include "catena/ops/one_hot.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

// Computed as int64, which every runtime has, of a vector at least and one class or more.
void export_op(Emitter& e, const op::OneHot& op) {
  const SymbolicInt classes = e.size_of("classes");
  if (classes == SymbolicInt(0)) return e.result(e.filled(e.out().shape, op.dtype));
  Value index = e.cast(e.in(0), kInt64);
  const bool single = index.rank() == 0;
  if (single) index = e.reshape(index, {1});
  SymbolicShape shape = index.shape;
  shape.push_back(classes);
  Value hits =
      e.node("OneHot", {index, e.scalar(classes), e.ints({0, 1})}, kInt64, shape, {{"axis", -1}});
  if (single) hits = e.reshape(hits, {classes});
  e.result(e.cast(hits, op.dtype));
}

}  // namespace catena::onnx_export
