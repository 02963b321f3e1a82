#include "catena/ops/weight_norm.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::WeightNorm&) {
  const Value &v = e.in(0), &g = e.in(1);
  std::vector<std::int64_t> dims;
  for (int d = 0; d < v.rank(); ++d)
    if (g.rank() == 0 || g.size(d) == SymbolicInt(1)) dims.push_back(d);
  const Value length = dims.empty() ? e.unary("Abs", v) : e.reduce("ReduceL2", v, dims, true);
  e.result(e.mul(e.div(v, length), g));
}

}  // namespace catena::onnx_export
