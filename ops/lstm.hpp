// Long short-term memory over a sequence (Hochreiter and Schmidhuber, 1997), and its cell.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"
#include "catena/ops/recurrent.hpp"

namespace catena {
namespace op {

// Inputs: x [T, N, I], h0 [N, P], c0 [N, H], weight_ih [4H, I], weight_hh [4H, P], bias [4H],
// lengths [N] (int64), weight_hr [P, H]; without weight_hr P is H and h = o tanh(c). Outputs:
// y [T, N, P], the last h and c, and for the gradient the gates [T, N, 4H] and c of every step.
struct Lstm {
  bool reverse = false;
  static constexpr const char* kFormula =
      "i, f, g, o = sigmoid, sigmoid, tanh, sigmoid(weight_ih x[t] + weight_hh h[t-1] + bias); "
      "c[t] = f c[t-1] + i g, h[t] = weight_hr (o tanh(c[t])), y[t] = h[t]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"reverse", &Lstm::reverse, "from the end"}};
  static constexpr Inputs kInputs{"x",         "h0",   "c0",       "weight_ih",
                                  "weight_hh", "bias", "lengths?", "weight_hr?"};
  static constexpr int kNumOutputs = 5;
  static constexpr std::uint32_t kNoGradOutputs = 24;
  static constexpr Saves kSaves = Saves::all_inputs() | Saves::output();
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("LSTM, gates reordered to i, o, f, c; with a projection Scan");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

struct LstmState {
  Tensor h, c;
};
struct LstmOutput {
  Tensor y;         // [T, N, P]
  LstmState state;  // the last one: [N, P], [N, H]
};

// With the gates i, f, o (sigmoid) and g (tanh) of weight_ih x[t] + weight_hh h[t-1] + bias:
//   c[t] = f c[t-1] + i g,  h[t] = o tanh(c[t])
// x [T, N, I], weights [4H, I] and [4H, P] with rows in the order i, f, g, o, bias [4H] or
// undefined; h0 [N, P] and c0 [N, H] are zeros when undefined. With weight_hr [P, H] h[t] is
// projected: weight_hr (o tanh(c[t])) (Sak et al., 2014). float32 or float64, equal dtypes.
// Errors: sizes or dtypes that differ, T = 0, lengths outside 1..T.
LstmOutput lstm(Operand x, const LstmState& initial, const Tensor& weight_ih,
                const Tensor& weight_hh, const Tensor& bias = {}, const Tensor& weight_hr = {},
                const RecurrentOptions& options = {});

// One step, made of other ops: x [N, I] or [I], state [N, H] or [H]; the next state.
LstmState lstm_cell(Operand x, const LstmState& state, const Tensor& weight_ih,
                    const Tensor& weight_hh, const Tensor& bias_ih = {},
                    const Tensor& bias_hh = {});

}  // namespace catena
