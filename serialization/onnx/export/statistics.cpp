#include "catena/ops/statistics.hpp"

#include <algorithm>

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

// sum (x - mean)^2 / (n - correction)
Value variance(Emitter& e, const Shape& given, bool keepdim, double correction) {
  const Value& x = e.in(0);
  const std::vector<std::int64_t> dims = Emitter::resolved(given, x.rank());
  const Value centred = e.sub(x, e.reduce("ReduceMean", x, dims, true));
  const Value total = e.reduce("ReduceSum", e.mul(centred, centred), dims, keepdim);
  SymbolicInt count = 1;
  SymbolicShape along;
  for (const std::int64_t d : dims) along.push_back(x.size(static_cast<int>(d)));
  for (const SymbolicInt& s : along) count = product(count, s);
  if (count.is_constant()) {
    const double n = static_cast<double>(count.offset());
    return e.div(total, e.like(x, std::max(0.0, n - correction)));
  }
  const Value n = e.cast(e.reduce("ReduceProd", e.sizes(along), {0}, false), x.dtype);
  return e.div(total, e.binary("Max", e.sub(n, e.like(x, correction)), e.like(x, 0)));
}

}  // namespace

void export_op(Emitter& e, const op::Var& op) {
  e.result(variance(e, op.dims, op.keepdim, op.correction));
}
void export_op(Emitter& e, const op::Stddev& op) {
  e.result(e.unary("Sqrt", variance(e, op.dims, op.keepdim, op.correction)));
}
void export_op(Emitter& e, const op::LogSumExp& op) {
  const Value& x = e.in(0);
  e.result(e.reduce("ReduceLogSumExp", x, Emitter::resolved(op.dims, x.rank()), op.keepdim));
}
void export_op(Emitter& e, const op::Norm&) { e.compose(); }

}  // namespace catena::onnx_export
