#include "catena/ops/flip.hpp"

#include <limits>

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Flip& op) {
  Value x = e.in(0);
  for (const std::int64_t d : Emitter::resolved(op.dims, x.rank()))
    x = e.flip(x, static_cast<int>(d));
  e.result(x);
}

void export_op(Emitter& e, const op::Roll& op) {
  Value x = e.in(0);
  for (int k = 0; k < op.dims.rank(); ++k) {
    const int d = static_cast<int>(Emitter::resolved(op.dims[k], x.rank()));
    const SymbolicInt shift = e.sizes_of("shifts")[static_cast<std::size_t>(k)], n = x.size(d);
    // Entries from `cut` on come to the front.
    Value cut;
    if (n.is_constant() && shift.is_constant()) {
      const std::int64_t size = n.offset();
      if (size == 0) continue;
      const std::int64_t at = ((-shift.offset()) % size + size) % size;
      if (at == 0) continue;
      cut = e.ints({at});
    } else {
      cut = e.binary("Mod", e.sizes({times(shift, -1)}), e.sizes({n}));
    }
    SymbolicShape part = x.shape;
    part[static_cast<std::size_t>(d)] = SymbolicInt::unknown();
    const Value end = e.ints({std::numeric_limits<std::int64_t>::max()});
    const Value front = e.node("Slice", {x, cut, end, e.ints({d})}, x.dtype, part);
    const Value back = e.node("Slice", {x, e.ints({0}), cut, e.ints({d})}, x.dtype, part);
    const SymbolicShape shape = x.shape;
    x = e.node("Concat", {front, back}, x.dtype, shape, {{"axis", d}});
  }
  e.result(x);
}

}  // namespace catena::onnx_export
