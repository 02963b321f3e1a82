#include "catena/ops/similarity.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::CosineSimilarity&) { e.compose(); }
void export_op(Emitter& e, const op::CosineEmbeddingLoss&) { e.compose(); }

}  // namespace catena::onnx_export
