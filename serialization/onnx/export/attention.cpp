// ONNX's own Attention comes with opset 23.
#include "catena/ops/attention.hpp"

#include <limits>

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

// Heads of a value repeated until there are as many as the query has.
Value repeat_heads(Emitter& e, const Value& x, const SymbolicInt& heads) {
  if (x.rank() < 3 || x.size(x.rank() - 3) == heads) return x;
  const int head = x.rank() - 3;
  const std::int64_t own = e.fixed({x.size(head)}, "the number of heads")[0],
                     all = e.fixed({heads}, "the number of heads")[0];
  SymbolicShape apart = x.shape, flat = x.shape;
  apart.insert(apart.begin() + head + 1, all / own);
  flat[static_cast<std::size_t>(head)] = all;
  return e.reshape(e.expand(e.unsqueeze(x, head + 1), apart), flat);
}

// Whether row i sees position j: j <= i + offset.
Value causal(Emitter& e, const SymbolicInt& rows, const SymbolicInt& columns,
             const SymbolicInt& offset) {
  Value row = e.counting(rows);
  if (offset != SymbolicInt(0)) row = e.add(row, e.scalar(offset));
  return e.compare("LessOrEqual", e.unsqueeze(e.counting(columns), 0), e.unsqueeze(row, 1));
}

}  // namespace

void export_op(Emitter& e, const op::Attention& op) {
  const Value &q = e.in(0), &mask = e.in(3);
  const SymbolicInt heads = q.rank() >= 3 ? q.size(q.rank() - 3) : SymbolicInt(1);
  const Value key = repeat_heads(e, e.in(1), heads), value = repeat_heads(e, e.in(2), heads);
  Value scores = e.mul(e.matmul(q, e.swap_last(key)), e.like(q, op.scale));
  Value allowed;
  if (mask && mask.dtype == kBool) {
    allowed = mask;
  } else if (mask) {
    allowed = e.compare("Greater", mask, e.like(mask, -std::numeric_limits<double>::infinity()));
    scores = e.add(scores, mask);
  }
  if (op.causal) {
    const Value seen = causal(e, scores.size(scores.rank() - 2), scores.size(scores.rank() - 1),
                              e.size_of("causal_offset"));
    allowed = allowed ? e.compare("And", allowed, seen) : seen;
  }
  // A number far below the others instead of -inf, so that a row that sees nothing is no NaN.
  if (allowed) scores = e.where(allowed, scores, e.like(scores, -1e30));
  Value weights = e.unary("Softmax", scores, {{"axis", -1}});
  if (allowed) weights = e.where(allowed, weights, e.like(weights, 0));
  if (op.dropout > 0 && e.training())
    weights = e.node("Dropout", {weights, e.number(op.dropout, kFloat32), e.number(1, kBool)},
                     weights.dtype, weights.shape);
  e.result(e.matmul(weights, value));
  if (e.used(1)) {
    const Value least = e.like(scores, -std::numeric_limits<double>::infinity());
    const Value seen = allowed ? e.where(allowed, scores, least) : scores;
    e.result(e.reduce("ReduceLogSumExp", seen, {seen.rank() - 1}, false), 1);
  }
}

}  // namespace catena::onnx_export
