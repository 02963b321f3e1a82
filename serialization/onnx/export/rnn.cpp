#include "catena/ops/rnn.hpp"

#include "catena/serialization/onnx/export/recurrent.hpp"

namespace catena::onnx_export {

void export_op(Emitter& e, const op::Rnn& op) {
  const Value &x = e.in(0), &h0 = e.in(1), &bias = e.in(4);
  const SymbolicInt hidden = h0.size(1);
  const Value none = e.constant(zeros(e.fixed(bias.shape, "the number of hidden units"), x.dtype));
  const Value both = e.concat({bias, none}, 0);
  const std::vector<Value> y = e.nodes(
      "RNN",
      {x, one_direction(e, e.in(2)), one_direction(e, e.in(3)), one_direction(e, both),
       lengths(e, 5), one_direction(e, h0)},
      recurrent_outputs(x, hidden, 1),
      {{"activations", std::vector<std::string>{op.nonlinearity == "relu" ? "Relu" : "Tanh"}},
       {"direction", op.reverse ? "reverse" : "forward"},
       {"hidden_size", e.fixed({hidden}, "the number of hidden units")[0]}});
  e.result(without(e, y[0], 1), 0);
  e.result(without(e, y[1], 0), 1);
}

}  // namespace catena::onnx_export
