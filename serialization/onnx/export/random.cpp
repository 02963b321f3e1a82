#include "catena/ops/random.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

// `type`, or its form that takes the shape of another value where that follows the axes.
void draw(Emitter& e, const std::string& type, DType dtype, Attributes attributes) {
  const SymbolicShape shape = e.sizes_of("shape");
  attributes.push_back({"dtype", code_of(dtype)});
  std::vector<std::int64_t> numbers;
  for (const SymbolicInt& s : shape)
    if (s.is_constant()) numbers.push_back(s.offset());
  if (numbers.size() == shape.size()) {
    attributes.push_back({"shape", numbers});
    return e.result(e.node(type.c_str(), {}, dtype, shape, attributes));
  }
  const Value like = e.node("ConstantOfShape", {e.sizes(shape)}, kFloat32, shape);
  e.result(e.node((type + "Like").c_str(), {like}, dtype, shape, attributes));
}

}  // namespace

// Only of a model that is exported for training; otherwise it is left out.
void export_op(Emitter& e, const op::Dropout& op) {
  const Value& x = e.in(0);
  // Of p = 1, where nothing is left, ONNX says nothing.
  if (op.p == 1) return e.result(e.mul(x, e.like(x, 0)));
  e.result(e.node("Dropout", {x, e.number(op.p, kFloat32), e.number(1, kBool)}, x.dtype, x.shape));
}
void export_op(Emitter& e, const op::RandomUniform& op) {
  draw(e, "RandomUniform", op.dtype, {{"high", op.high}, {"low", op.low}});
}
void export_op(Emitter& e, const op::RandomNormal& op) {
  draw(e, "RandomNormal", op.dtype, {{"mean", op.mean}, {"scale", op.stddev}});
}

}  // namespace catena::onnx_export
