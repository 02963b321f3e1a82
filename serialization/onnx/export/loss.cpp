// Losses are sequences of other ops.
#include "catena/ops/loss.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::MseLoss&) { e.compose(); }
void export_op(Emitter& e, const op::MaeLoss&) { e.compose(); }
void export_op(Emitter& e, const op::HuberLoss&) { e.compose(); }
void export_op(Emitter& e, const op::SmoothL1Loss&) { e.compose(); }
void export_op(Emitter& e, const op::BceLoss&) { e.compose(); }
void export_op(Emitter& e, const op::BceWithLogits&) { e.compose(); }
void export_op(Emitter& e, const op::KlDiv&) { e.compose(); }
void export_op(Emitter& e, const op::HingeLoss&) { e.compose(); }

}  // namespace catena::onnx_export
