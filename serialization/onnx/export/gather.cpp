#include "catena/ops/gather.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

std::int64_t axis(Emitter& e, std::int64_t dim) { return Emitter::resolved(dim, e.in(0).rank()); }

}  // namespace

void export_op(Emitter& e, const op::Gather& op) {
  e.result(e.node("GatherElements", {e.in(0), e.in(1)}, e.in(0).dtype, e.in(1).shape,
                  {{"axis", axis(e, op.dim)}}));
}
void export_op(Emitter& e, const op::Scatter& op) {
  e.result(e.node("ScatterElements", {e.in(0), e.in(1), e.in(2)}, e.in(0).dtype, e.in(0).shape,
                  {{"axis", axis(e, op.dim)}}));
}
void export_op(Emitter& e, const op::ScatterAdd& op) {
  e.need_opset(16, "adding at an index");
  e.result(e.node("ScatterElements", {e.in(0), e.in(1), e.in(2)}, e.in(0).dtype, e.in(0).shape,
                  {{"axis", axis(e, op.dim)}, {"reduction", "add"}}));
}

}  // namespace catena::onnx_export
