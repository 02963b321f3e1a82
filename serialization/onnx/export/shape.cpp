#include "catena/ops/shape.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Reshape&) {
  // The sizes of the result say more than the attribute, in which one may be -1.
  bool known = true;
  for (const SymbolicInt& s : e.out().shape) known = known && s.is_known();
  e.result(e.reshape(e.in(0), known ? e.out().shape : e.sizes_of("shape")));
}
void export_op(Emitter& e, const op::Transpose& op) {
  std::vector<std::int64_t> perm;
  for (const std::int64_t d : op.perm) perm.push_back(Emitter::resolved(d, op.perm.rank()));
  e.result(e.transpose(e.in(0), perm));
}
void export_op(Emitter& e, const op::Expand&) {
  SymbolicShape shape = e.sizes_of("shape");
  for (SymbolicInt& s : shape)
    if (s == SymbolicInt(-1)) s = 1;  // keeps the size that is there
  Value y = e.expand(e.in(0), shape);
  y.shape = e.out().shape;
  e.result(y);
}

}  // namespace catena::onnx_export
