// What the recurrent ops share: x [T, N, I] is ONNX's layout; weights, biases and states get a
// first dimension for the direction, of which each of our calls is one. Not a public header.
#pragma once

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {

// Rows of `x`, of `order.size()` equal parts, with the parts in this order.
inline Value reordered(Emitter& e, const Value& x, const std::vector<std::int64_t>& order) {
  const SymbolicInt rows = x.size(0);
  if (!rows.is_constant()) e.refuse("the number of hidden units follows an axis");
  const std::int64_t part = rows.offset() / static_cast<std::int64_t>(order.size());
  std::vector<Value> parts;
  for (const std::int64_t k : order) parts.push_back(e.slice(x, 0, k * part, (k + 1) * part));
  return e.concat(parts, 0);
}
inline Value one_direction(Emitter& e, const Value& x) { return e.unsqueeze(x, 0); }
// The lengths of the sequences, where they are given.
inline Value lengths(Emitter& e, int input) {
  return e.has(input) ? e.cast(e.in(input), kInt32) : Value{};
}
// Without the dimension of the direction.
inline Value without(Emitter& e, const Value& x, int dim) {
  SymbolicShape shape = x.shape;
  shape.erase(shape.begin() + dim);
  return e.node("Squeeze", {x, e.ints({dim})}, x.dtype, shape);
}
// What an operator gives: y [T, 1, N, H] and so many last states [1, N, H].
inline std::vector<Value> recurrent_outputs(const Value& x, const SymbolicInt& hidden, int states) {
  std::vector<Value> list{{"", x.dtype, {x.size(0), 1, x.size(1), hidden}}};
  for (int k = 0; k < states; ++k) list.push_back({"", x.dtype, {1, x.size(1), hidden}});
  return list;
}

}  // namespace catena::onnx_export
