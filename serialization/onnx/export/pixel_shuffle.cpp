#include "catena/ops/pixel_shuffle.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::PixelShuffle& op) {
  const Value& x = e.in(0);
  if (x.rank() != 4) return e.compose();
  const std::int64_t r = op.upscale_factor;
  const SymbolicInt channels =
      x.size(1).is_constant() ? SymbolicInt(x.size(1).offset() / (r * r)) : SymbolicInt::unknown();
  e.result(e.node("DepthToSpace", {x}, x.dtype,
                  {x.size(0), channels, times(x.size(2), r), times(x.size(3), r)},
                  {{"blocksize", r}, {"mode", "CRD"}}));
}
void export_op(Emitter& e, const op::PixelUnshuffle&) { e.compose(); }
void export_op(Emitter& e, const op::ChannelShuffle&) { e.compose(); }

}  // namespace catena::onnx_export
