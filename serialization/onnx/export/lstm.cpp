#include "catena/ops/lstm.hpp"

#include "catena/serialization/onnx/export/recurrent.hpp"

namespace catena::onnx_export {
namespace {

// With a projection of the state ONNX has no LSTM: Scan runs the steps. Beyond the end of a
// sequence the output is 0 and the states stay.
void scanned(Emitter& e, const op::Lstm& op) {
  const Value &x = e.in(0), &h0 = e.in(1), &c0 = e.in(2);
  const DType dtype = x.dtype;
  const std::int64_t hidden = e.fixed({c0.size(1)}, "the number of hidden units")[0];
  const SymbolicShape states{x.size(1), hidden};
  const Value recurrent = e.transpose(e.in(4), {1, 0}), project = e.transpose(e.in(7), {1, 0});
  const Value projected = e.add(e.node("MatMul", {x, e.transpose(e.in(3), {1, 0})}, dtype,
                                       {x.size(0), x.size(1), 4 * hidden}),
                                e.in(5));
  const Value step = e.counting(x.size(0));
  const Value ends = e.unsqueeze(e.in(6), 1);
  const std::int64_t direction = op.reverse ? 1 : 0;
  const std::vector<Value> outputs{{"", dtype, h0.shape},
                                   {"", dtype, c0.shape},
                                   {"", dtype, {x.size(0), x.size(1), h0.size(1)}}};
  Emitter::Body body(e);
  const Value h = body.input("h", dtype, h0.shape), c = body.input("c", dtype, c0.shape),
              x_t = body.input("x", dtype, {x.size(1), 4 * hidden}),
              t = body.input("t", kInt64, {});
  const Value gates = e.add(x_t, e.node("MatMul", {h, recurrent}, dtype, {x.size(1), 4 * hidden}));
  const auto gate = [&](std::int64_t k, const char* type) {
    return e.unary(type, e.slice(gates, 1, k * hidden, (k + 1) * hidden));
  };
  const Value cell =
      e.add(e.mul(gate(1, "Sigmoid"), c), e.mul(gate(0, "Sigmoid"), gate(2, "Tanh")));
  const Value shown = e.mul(gate(3, "Sigmoid"), e.unary("Tanh", cell));
  const Value next = e.node("MatMul", {shown, project}, dtype, h0.shape);
  const Value counts = e.compare("Greater", ends, t);
  const Value output = e.where(counts, next, e.like(next, 0));
  body.output(e.where(counts, next, h));
  body.output(e.where(counts, cell, c));
  body.output(output);
  body.close();
  const std::vector<Value> y =
      e.nodes("Scan", {h0, c0, projected, step}, outputs,
              {{"body", body.graph()},
               {"num_scan_inputs", 2},
               {"scan_input_directions", std::vector<std::int64_t>{direction, direction}},
               {"scan_output_directions", std::vector<std::int64_t>{direction}}});
  e.result(y[2], 0);
  e.result(y[0], 1);
  e.result(y[1], 2);
}

}  // namespace

// Our gates are i, f, g, o; ONNX's i, o, f, c.
void export_op(Emitter& e, const op::Lstm& op) {
  if (e.used(3) || e.used(4))
    e.refuse("outputs 3 and 4 are for its gradient and nothing that ONNX's LSTM gives");
  if (e.has(7)) return scanned(e, op);
  const Value &x = e.in(0), &h0 = e.in(1), &bias = e.in(5);
  const SymbolicInt hidden = h0.size(1);
  const auto gates = [&](int input) { return reordered(e, e.in(input), {0, 3, 1, 2}); };
  const Value none = e.constant(zeros(e.fixed(bias.shape, "the number of hidden units"), x.dtype));
  const Value both = e.concat({gates(5), none}, 0);
  const std::vector<Value> y =
      e.nodes("LSTM",
              {x, one_direction(e, gates(3)), one_direction(e, gates(4)), one_direction(e, both),
               lengths(e, 6), one_direction(e, h0), one_direction(e, e.in(2))},
              recurrent_outputs(x, hidden, 2),
              {{"direction", op.reverse ? "reverse" : "forward"},
               {"hidden_size", e.fixed({hidden}, "the number of hidden units")[0]}});
  e.result(without(e, y[0], 1), 0);
  e.result(without(e, y[1], 0), 1);
  e.result(without(e, y[2], 0), 2);
}

}  // namespace catena::onnx_export
