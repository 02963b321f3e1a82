#include "catena/ops/device.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

// A model runs where its runtime puts it.
void export_op(Emitter& e, const op::ToDevice&) { e.pass(e.in(0)); }

}  // namespace catena::onnx_export
