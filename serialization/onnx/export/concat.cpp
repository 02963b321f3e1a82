#include "catena/ops/concat.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Concat& op) {
  std::vector<Value> parts;
  for (int i = 0; i < e.num_inputs(); ++i) parts.push_back(e.in(i));
  e.result(e.node("Concat", parts, e.out().dtype, e.out().shape,
                  {{"axis", Emitter::resolved(op.dim, e.out().rank())}}));
}

}  // namespace catena::onnx_export
