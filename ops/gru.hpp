// Gated recurrent unit over a sequence (Cho et al., 2014), and its cell.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"
#include "catena/ops/recurrent.hpp"

namespace catena {
namespace op {

// The reset gate acts after the product, as in PyTorch and cuDNN (linear_before_reset = 1 in ONNX).
// Inputs: x [T, N, I], h0 [N, H], weight_ih [3H, I], weight_hh [3H, H], bias_ih and bias_hh [3H],
// lengths [N] (int64). Outputs: y [T, N, H], the last state [N, H], and for the gradient
// r, z, n and weight_hn h + bias_hn of every step, [T, N, 4H].
struct Gru {
  bool reverse = false;
  static constexpr const char* kFormula =
      "a = weight_ih x[t] + bias_ih, b = weight_hh h[t-1] + bias_hh; r, z = sigmoid(a + b), "
      "n = tanh(a + r b); h[t] = (1 - z) n + z h[t-1], y[t] = h[t]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"reverse", &Gru::reverse, "from the end"}};
  static constexpr Inputs kInputs{"x",       "h0",      "weight_ih", "weight_hh",
                                  "bias_ih", "bias_hh", "lengths?"};
  static constexpr int kNumOutputs = 3;
  static constexpr std::uint32_t kNoGradOutputs = 4;
  static constexpr Saves kSaves = Saves::all_inputs() | Saves::output();
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("GRU with linear_before_reset = 1, gates reordered to z, r, h");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// With a = weight_ih x[t] + bias_ih and b = weight_hh h[t-1] + bias_hh in thirds r, z, n:
//   r = sigmoid(a_r + b_r),  z = sigmoid(a_z + b_z),  n = tanh(a_n + r b_n)
//   h[t] = (1 - z) n + z h[t-1]
// x [T, N, I], h0 [N, H] (zeros when undefined), weight_ih [3H, I], weight_hh [3H, H], biases [3H]
// or undefined. float32 or float64, equal dtypes. Errors: sizes or dtypes that differ, T = 0,
// lengths outside 1..T.
RecurrentOutput gru(Operand x, const Tensor& h0, const Tensor& weight_ih, const Tensor& weight_hh,
                    const Tensor& bias_ih = {}, const Tensor& bias_hh = {},
                    const RecurrentOptions& options = {});

// One step, made of other ops: x [N, I] or [I], h [N, H] or [H]; the next h.
Tensor gru_cell(Operand x, const Tensor& h, const Tensor& weight_ih, const Tensor& weight_hh,
                const Tensor& bias_ih = {}, const Tensor& bias_hh = {});

}  // namespace catena
