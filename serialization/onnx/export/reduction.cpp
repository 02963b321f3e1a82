#include "catena/ops/reduction.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"
#include "catena/serialization/onnx/export/numbers.hpp"

namespace catena::onnx_export {
namespace {

// Sums of whole numbers are int64.
Value summed(Emitter& e, const char* type, const Shape& dims, bool keepdim) {
  const Value& x = e.in(0);
  return e.reduce(type, is_floating(x.dtype) ? x : e.cast(x, kInt64),
                  Emitter::resolved(dims, x.rank()), keepdim);
}
Value extreme(Emitter& e, const char* type, const Shape& dims, bool keepdim) {
  const Value& x = e.in(0);
  return narrow(e, e.reduce(type, widened(e, x), Emitter::resolved(dims, x.rank()), keepdim),
                x.dtype);
}
// Whether some entry along dims differs from 0, or all do.
Value truth(Emitter& e, const char* type, const Shape& given, bool keepdim) {
  const Value hit = e.cast(e.cast(e.in(0), kBool), kInt32);
  const std::vector<std::int64_t> dims = Emitter::resolved(given, hit.rank());
  bool entries = true;
  for (const std::int64_t d : dims) {
    const SymbolicInt& size = hit.size(static_cast<int>(d));
    entries = entries && size.is_constant() && size.offset() > 0;
  }
  if (entries) return e.cast(e.reduce(type, hit, dims, keepdim), kBool);
  // Of nothing there is no extreme: entries are counted.
  const bool all = std::string_view(type) == "ReduceMin";
  const Value counted = all ? e.sub(e.like(hit, 1), hit) : hit;
  const Value n = e.reduce("ReduceSum", counted, dims, keepdim);
  return e.compare(all ? "Equal" : "Greater", n, e.like(n, 0));
}
Value search(Emitter& e, const char* type, std::int64_t dim, bool keepdim) {
  const Value x = widened(e, e.in(0));
  return e.node(type, {x}, kInt64, e.out().shape,
                {{"axis", Emitter::resolved(dim, x.rank())}, {"keepdims", keepdim ? 1 : 0}});
}

}  // namespace

void export_op(Emitter& e, const op::Sum& op) {
  e.result(summed(e, "ReduceSum", op.dims, op.keepdim));
}
void export_op(Emitter& e, const op::Mean& op) {
  e.result(summed(e, "ReduceMean", op.dims, op.keepdim));
}
void export_op(Emitter& e, const op::Prod& op) {
  e.result(summed(e, "ReduceProd", op.dims, op.keepdim));
}
void export_op(Emitter& e, const op::Max& op) {
  e.result(extreme(e, "ReduceMax", op.dims, op.keepdim));
}
void export_op(Emitter& e, const op::Min& op) {
  e.result(extreme(e, "ReduceMin", op.dims, op.keepdim));
}
void export_op(Emitter& e, const op::Argmax& op) {
  e.result(search(e, "ArgMax", op.dim, op.keepdim));
}
void export_op(Emitter& e, const op::Argmin& op) {
  e.result(search(e, "ArgMin", op.dim, op.keepdim));
}
void export_op(Emitter& e, const op::Any& op) {
  e.result(truth(e, "ReduceMax", op.dims, op.keepdim));
}
void export_op(Emitter& e, const op::All& op) {
  e.result(truth(e, "ReduceMin", op.dims, op.keepdim));
}

}  // namespace catena::onnx_export
