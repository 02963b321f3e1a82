#include "catena/ops/embedding.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Embedding&) { e.result(e.gather(e.in(0), e.in(1), 0)); }

}  // namespace catena::onnx_export
