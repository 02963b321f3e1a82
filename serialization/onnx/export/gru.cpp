#include "catena/ops/gru.hpp"

#include "catena/serialization/onnx/export/recurrent.hpp"

namespace catena::onnx_export {

// Our gates are r, z, n; ONNX's z, r, h.
void export_op(Emitter& e, const op::Gru& op) {
  if (e.used(2)) e.refuse("output 2 is for its gradient and nothing that ONNX's GRU gives");
  const Value &x = e.in(0), &h0 = e.in(1);
  const SymbolicInt hidden = h0.size(1);
  const auto gates = [&](int input) { return reordered(e, e.in(input), {1, 0, 2}); };
  const Value bias = e.concat({gates(4), gates(5)}, 0);
  const std::vector<Value> y =
      e.nodes("GRU",
              {x, one_direction(e, gates(2)), one_direction(e, gates(3)), one_direction(e, bias),
               lengths(e, 6), one_direction(e, h0)},
              recurrent_outputs(x, hidden, 1),
              {{"direction", op.reverse ? "reverse" : "forward"},
               {"hidden_size", e.fixed({hidden}, "the number of hidden units")[0]},
               {"linear_before_reset", 1}});
  e.result(without(e, y[0], 1), 0);
  e.result(without(e, y[1], 0), 1);
}

}  // namespace catena::onnx_export
