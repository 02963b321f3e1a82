// ONNX computes means of LayerNormalization in float32, so float64 is written out.
#include "catena/ops/normalization.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

std::vector<std::int64_t> last(const Value& x, int count) {
  std::vector<std::int64_t> dims;
  for (int d = x.rank() - count; d < x.rank(); ++d) dims.push_back(d);
  return dims;
}
// y * weight + bias, where they are given.
Value affine(Emitter& e, Value y, const Value& weight, const Value& bias) {
  if (weight) y = e.mul(y, weight);
  return bias ? e.add(y, bias) : y;
}

}  // namespace

void export_op(Emitter& e, const op::LayerNorm& op) {
  const Value &x = e.in(0), &weight = e.in(1), &bias = e.in(2);
  const int count = op.normalized_shape.rank();
  if (e.opset() < 17 || x.dtype != kFloat32 || count == 0)
    return e.result(affine(e, e.normalize(x, last(x, count), op.eps).y, weight, bias));
  const Value scale = weight ? weight : e.constant(ones(op.normalized_shape, x.dtype));
  e.result(e.node("LayerNormalization", {x, scale, bias}, x.dtype, x.shape,
                  {{"axis", -count}, {"epsilon", op.eps}}));
}

void export_op(Emitter& e, const op::RmsNorm& op) {
  const Value& x = e.in(0);
  const Value square =
      e.reduce("ReduceMean", e.mul(x, x), last(x, op.normalized_shape.rank()), true);
  const Value y = e.div(x, e.unary("Sqrt", e.add(square, e.like(x, op.eps))));
  e.result(affine(e, y, e.in(1), {}));
}

// With the statistics of x itself; running ones are another call.
void export_op(Emitter& e, const op::BatchNorm& op) {
  const Value& x = e.in(0);
  std::vector<std::int64_t> dims{0};
  SymbolicShape column{x.size(1)};
  for (int d = 2; d < x.rank(); ++d) {
    dims.push_back(d);
    column.push_back(1);
  }
  const auto per_feature = [&](const Value& v) { return v ? e.reshape(v, column) : v; };
  const Emitter::Normalized n = e.normalize(x, dims, op.eps);
  e.result(affine(e, n.y, per_feature(e.in(1)), per_feature(e.in(2))));
  if (e.used(1)) e.result(e.reshape(n.mean, {x.size(1)}), 1);
  if (e.used(2)) e.result(e.reshape(n.var, {x.size(1)}), 2);
}

}  // namespace catena::onnx_export
