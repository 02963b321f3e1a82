#include "catena/ops/tile.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Tile&) {
  Value x = e.in(0);
  SymbolicShape repeats = e.sizes_of("repeats");
  // Both lists are aligned at their ends.
  while (repeats.size() < x.shape.size()) repeats.insert(repeats.begin(), 1);
  while (x.shape.size() < repeats.size()) x = e.unsqueeze(x, 0);
  SymbolicShape shape;
  for (std::size_t d = 0; d < repeats.size(); ++d) shape.push_back(product(repeats[d], x.shape[d]));
  e.result(e.node("Tile", {x, e.sizes(repeats)}, x.dtype, shape));
}

}  // namespace catena::onnx_export
