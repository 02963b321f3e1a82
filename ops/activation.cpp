#include "catena/ops/activation.hpp"

#include <fmt/format.h>

#define CATENA_STEM_activation ~,
#include "catena/ops/activation_formulas.hpp"

#include "catena/ops/formula_gradients.hpp"

namespace catena {
namespace {

void expect_nonzero(double value, const char* op, const char* name, const Operand& x) {
  if (value == 0)
    throw_argument(op, fmt::format("{} is 0; expected another number, since it divides", name),
                   x.location());
}

}  // namespace

Tensor leaky_relu(Operand x, double negative_slope) {
  return detail::call_op(op::LeakyRelu{negative_slope}, x);
}
Tensor elu(Operand x, double alpha) { return detail::call_op(op::Elu{alpha}, x); }
Tensor selu(Operand x) { return detail::call_op(op::Selu{}, x); }
Tensor celu(Operand x, double alpha) {
  expect_nonzero(alpha, "celu", "alpha", x);
  return detail::call_op(op::Celu{alpha}, x);
}
Tensor gelu(Operand x, std::string_view approximate) {
  if (approximate != "none" && approximate != "tanh")
    throw_argument("gelu",
                   fmt::format("approximate is \"{}\"; expected \"none\" or \"tanh\"", approximate),
                   x.location());
  return detail::call_op(op::Gelu{approximate == "tanh"}, x);
}
Tensor silu(Operand x) { return detail::call_op(op::Silu{}, x); }
Tensor mish(Operand x) { return detail::call_op(op::Mish{}, x); }
Tensor softplus(Operand x, double beta, double threshold) {
  expect_nonzero(beta, "softplus", "beta", x);
  return detail::call_op(op::Softplus{beta, threshold}, x);
}
Tensor softsign(Operand x) { return detail::call_op(op::Softsign{}, x); }
Tensor hardtanh(Operand x, double min, double max) {
  return detail::call_op(op::Hardtanh{min, max}, x);
}
Tensor hardsigmoid(Operand x) { return detail::call_op(op::Hardsigmoid{}, x); }
Tensor hardswish(Operand x) { return detail::call_op(op::Hardswish{}, x); }
Tensor step(Operand x, double at_zero) { return detail::call_op(op::Step{at_zero}, x); }
Tensor log_sigmoid(Operand x) { return detail::call_op(op::LogSigmoid{}, x); }

}  // namespace catena
