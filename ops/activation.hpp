// Activations beyond relu, sigmoid and tanh, with PyTorch's defaults; integers give float32. All
// are computed in forms that neither overflow nor cancel.
#pragma once

#include <string_view>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/pointwise.hpp"

namespace catena {
namespace op {

struct LeakyRelu {
  double negative_slope = 0.01;
  static constexpr std::tuple kAttrs{
      Attr{"negative_slope", &LeakyRelu::negative_slope, "slope for x <= 0"}};
  CATENA_POINTWISE_MEMBERS(kMath1, Saves::inputs(0), OnnxRow::op("LeakyRelu"),
                           "y = x > 0 ? x : negative_slope x", "x");
};
struct Elu {
  double alpha = 1;
  static constexpr std::tuple kAttrs{Attr{"alpha", &Elu::alpha, "-alpha is the limit at -inf"}};
  CATENA_POINTWISE_MEMBERS(kMath1, Saves::inputs(0), OnnxRow::op("Elu"),
                           "y = x > 0 ? x : alpha (e^x - 1)", "x");
};
// Klambauer et al., Self-Normalizing Neural Networks (2017).
CATENA_POINTWISE(Selu, kMath1, Saves::inputs(0), OnnxRow::op("Selu"),
                 "y = 1.0507 (x > 0 ? x : 1.6733 (e^x - 1))", "x");
// Barron, Continuously Differentiable Exponential Linear Units (2017).
struct Celu {
  double alpha = 1;
  static constexpr std::tuple kAttrs{Attr{"alpha", &Celu::alpha, "-alpha is the limit at -inf"}};
  CATENA_POINTWISE_MEMBERS(kMath1, Saves::inputs(0), OnnxRow::op("Celu"),
                           "y = x > 0 ? x : alpha (e^(x / alpha) - 1)", "x");
};
// Hendrycks and Gimpel, Gaussian Error Linear Units (2016).
struct Gelu {
  bool tanh = false;
  static constexpr std::tuple kAttrs{
      Attr{"tanh", &Gelu::tanh, "x / 2 (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) instead"}};
  CATENA_POINTWISE_MEMBERS(kMath1, Saves::inputs(0), OnnxRow::op("Gelu"),
                           "y = x / 2 (1 + erf(x / sqrt 2))", "x");
};
CATENA_POINTWISE(Silu, kMath1, Saves::inputs(0), OnnxRow::expands("Sigmoid, Mul"),
                 "y = x / (1 + e^-x)", "x");
// Misra, Mish (2019).
CATENA_POINTWISE(Mish, kMath1, Saves::inputs(0), OnnxRow::op("Mish"), "y = x tanh(ln(1 + e^x))",
                 "x");
struct Softplus {
  double beta = 1, threshold = 20;
  static constexpr std::tuple kAttrs{
      Attr{"beta", &Softplus::beta, "sharpness"},
      Attr{"threshold", &Softplus::threshold, "y = x where beta x is above it"}};
  CATENA_POINTWISE_MEMBERS(kMath1, Saves::inputs(0),
                           OnnxRow::expands("Mul, Softplus, Div, Greater, Where"),
                           "y = beta x > threshold ? x : ln(1 + e^(beta x)) / beta", "x");
};
CATENA_POINTWISE(Softsign, kMath1, Saves::inputs(0), OnnxRow::op("Softsign"), "y = x / (1 + |x|)",
                 "x");
// The derivative at both bounds is 0.
struct Hardtanh {
  double min = -1, max = 1;
  static constexpr std::tuple kAttrs{Attr{"min", &Hardtanh::min, "lower bound"},
                                     Attr{"max", &Hardtanh::max, "upper bound"}};
  CATENA_POINTWISE_MEMBERS(kMath1, Saves::inputs(0), OnnxRow::expands("Clip"),
                           "y = min(max(x, min), max)", "x");
};
// The derivative at -3 and 3 is 0.
CATENA_POINTWISE(Hardsigmoid, kMath1, Saves::inputs(0), OnnxRow::op("HardSigmoid"),
                 "y = min(max(x / 6 + 1/2, 0), 1)", "x");
// The derivative at -3 and 3 is that of the middle part.
CATENA_POINTWISE(Hardswish, kMath1, Saves::inputs(0), OnnxRow::op("HardSwish"),
                 "y = x min(max(x / 6 + 1/2, 0), 1)", "x");
// Heaviside's function; 0 for NaN. The derivative is 0.
struct Step {
  double at_zero = 0;
  static constexpr std::tuple kAttrs{Attr{"at_zero", &Step::at_zero, "value at x = 0"}};
  CATENA_POINTWISE_MEMBERS(kMath1, Saves::nothing(), OnnxRow::expands("Greater, Equal, Where"),
                           "y = x > 0 ? 1 : x == 0 ? at_zero : 0", "x");
};
CATENA_POINTWISE(LogSigmoid, kMath1, Saves::inputs(0), OnnxRow::expands("Neg, Softplus, Neg"),
                 "y = -ln(1 + e^-x)", "x");

}  // namespace op

Tensor leaky_relu(Operand x, double negative_slope = 0.01);
Tensor elu(Operand x, double alpha = 1);
Tensor selu(Operand x);
Tensor celu(Operand x, double alpha = 1);  // Errors: alpha = 0.
// approximate: "none" or "tanh". Errors: another word.
Tensor gelu(Operand x, std::string_view approximate = "none");
Tensor silu(Operand x);
Tensor mish(Operand x);
Tensor softplus(Operand x, double beta = 1, double threshold = 20);  // Errors: beta = 0.
Tensor softsign(Operand x);
Tensor hardtanh(Operand x, double min = -1, double max = 1);
Tensor hardsigmoid(Operand x);
Tensor hardswish(Operand x);
Tensor step(Operand x, double at_zero = 0);
Tensor log_sigmoid(Operand x);

}  // namespace catena
