// The plain recurrent layer over a sequence (Elman, 1990), and its cell.
#pragma once

#include <source_location>
#include <string>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"
#include "catena/ops/recurrent.hpp"

namespace catena {
namespace op {

// Inputs: x [T, N, I], h0 [N, H], weight_ih [H, I], weight_hh [H, H], bias [H], lengths [N]
// (int64). Outputs: y [T, N, H] and the last state [N, H].
struct Rnn {
  std::string nonlinearity = "tanh";
  bool reverse = false;
  static constexpr const char* kFormula =
      "h[t] = tanh(weight_ih x[t] + weight_hh h[t-1] + bias), y[t] = h[t]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"nonlinearity", &Rnn::nonlinearity, "tanh or relu"},
                                     Attr{"reverse", &Rnn::reverse, "from the end"}};
  static constexpr Inputs kInputs{"x", "h0", "weight_ih", "weight_hh", "bias", "lengths?"};
  static constexpr int kNumOutputs = 2;
  static constexpr Saves kSaves = Saves::all_inputs() | Saves::output();
  static constexpr OnnxRow kOnnx = OnnxRow::op("RNN");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// Whether the nonlinearity of a checked op is relu; for kernels, which cannot look into strings.
bool is_relu(const Rnn& op);

}  // namespace op

// h[t] = f(weight_ih x[t] + weight_hh h[t-1] + bias), f tanh or relu; x [T, N, I], h0 [N, H] (zeros
// when undefined), weight_ih [H, I], weight_hh [H, H], bias [H] or undefined. float32 or float64,
// equal dtypes. Errors: sizes or dtypes that differ, T = 0, lengths outside 1..T.
RecurrentOutput rnn(Operand x, const Tensor& h0, const Tensor& weight_ih, const Tensor& weight_hh,
                    const Tensor& bias = {}, const std::string& nonlinearity = "tanh",
                    const RecurrentOptions& options = {});

// One step, made of other ops: x [N, I] or [I], h [N, H] or [H]; the next h.
Tensor rnn_cell(Operand x, const Tensor& h, const Tensor& weight_ih, const Tensor& weight_hh,
                const Tensor& bias_ih = {}, const Tensor& bias_hh = {},
                const std::string& nonlinearity = "tanh");

}  // namespace catena
