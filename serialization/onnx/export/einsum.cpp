#include "catena/ops/einsum.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

// ONNX's Einsum broadcasts less: neither sizes of 1 nor dots of different lengths.
void export_op(Emitter& e, const op::Einsum&) { e.compose(); }

}  // namespace catena::onnx_export
