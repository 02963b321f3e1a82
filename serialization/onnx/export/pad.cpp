#include "catena/ops/pad.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"
#include "catena/serialization/onnx/export/numbers.hpp"

namespace catena::onnx_export {
namespace {

// Dimension d of x with pieces of its own other end in front and behind.
Value wrapped(Emitter& e, const Value& x, int d, const SymbolicInt& before,
              const SymbolicInt& after) {
  const SymbolicInt n = x.size(d);
  std::vector<Value> parts;
  if (before != SymbolicInt(0)) parts.push_back(e.slice(x, d, sum(n, times(before, -1)), n));
  parts.push_back(x);
  if (after != SymbolicInt(0)) parts.push_back(e.slice(x, d, 0, after));
  return e.concat(parts, d);
}

// Adds to the middle of dimension d of x what its border gives back.
Value unpadded(Emitter& e, const Value& x, int d, const std::string& mode, std::int64_t before,
               std::int64_t after) {
  if (before == 0 && after == 0) return x;
  const auto i = static_cast<std::size_t>(d);
  const SymbolicInt whole = x.size(d), n = plus(whole, -before - after);
  Value y = e.slice(x, d, before, plus(n, before));
  // `piece` lies `at` entries from the start of the middle.
  const auto add_at = [&](const Value& piece, const SymbolicInt& at) {
    SymbolicShape front(x.shape.size(), 0), back = front;
    front[i] = at;
    back[i] = sum(n, times(sum(at, piece.size(d)), -1));
    Value placed = e.pad(piece, front, back);
    placed.shape = y.shape;
    y = e.add(y, placed);
  };
  const auto total = [&](const Value& piece) { return e.reduce("ReduceSum", piece, {d}, true); };
  if (before > 0) {
    const Value piece = e.slice(x, d, 0, before);
    if (mode == "reflect")
      add_at(e.flip(piece, d), 1);
    else if (mode == "replicate")
      add_at(total(piece), 0);
    else
      add_at(piece, plus(n, -before));
  }
  if (after > 0) {
    const Value piece = e.slice(x, d, plus(whole, -after), whole);
    if (mode == "reflect")
      add_at(e.flip(piece, d), plus(n, -1 - after));
    else if (mode == "replicate")
      add_at(total(piece), plus(n, -1));
    else
      add_at(piece, 0);
  }
  return y;
}

}  // namespace

void export_op(Emitter& e, const op::Pad& op) {
  Value x = e.in(0);
  const SymbolicShape before = e.sizes_of("before"), after = e.sizes_of("after");
  if (op.mode == "circular" && e.opset() < 19) {
    for (int d = 0; d < x.rank(); ++d)
      x = wrapped(e, x, d, before[static_cast<std::size_t>(d)], after[static_cast<std::size_t>(d)]);
    return e.result(x);
  }
  const char* mode = op.mode == "replicate"  ? "edge"
                     : op.mode == "circular" ? "wrap"
                                             : op.mode.c_str();
  Value y = e.pad(x, before, after, op.mode == "constant" ? op.value : 0, mode);
  e.result(y);
}

void export_op(Emitter& e, const op::PadAdjoint& op) {
  Value x = widened(e, e.in(0));
  e.fixed(e.sizes_of("before"), "'before'");
  e.fixed(e.sizes_of("after"), "'after'");
  for (int d = 0; d < x.rank(); ++d) x = unpadded(e, x, d, op.mode, op.before[d], op.after[d]);
  e.result(narrow(e, x, e.in(0).dtype));
}

}  // namespace catena::onnx_export
