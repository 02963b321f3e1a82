// Activations, and softmax in its old and new forms.
#include <cmath>

#include "catena/ops/activation.hpp"
#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/math.hpp"
#include "catena/ops/one_hot.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/softmax.hpp"
#include "catena/serialization/onnx/import/arithmetic.hpp"

namespace catena::onnx {
namespace {

template <Tensor (*F)(Operand)>
Values plain(Call& c) {
  return {F(c.in(0))};
}

// Attributes are float32 in the file: 0.2f is the nearest to 0.2, not 0.2 itself.
bool is(double value, double number) {
  return static_cast<float>(value) == static_cast<float>(number);
}

Values leaky(Call& c) { return {leaky_relu(c.in(0), c.attribute("alpha", 0.01))}; }
Values exponential_linear(Call& c) { return {elu(c.in(0), c.attribute("alpha", 1.0))}; }
Values celu_of(Call& c) { return {celu(c.in(0), c.attribute("alpha", 1.0))}; }

Values scaled_elu(Call& c) {
  const double alpha = c.attribute("alpha", c.opset() < 6 ? 1.6732 : 1.67326319217681884765625);
  const double gamma = c.attribute("gamma", c.opset() < 6 ? 1.0507 : 1.05070102214813232421875);
  if (is(alpha, 1.67326319217681884765625) && is(gamma, 1.05070102214813232421875))
    return {selu(c.in(0))};
  return {gamma * elu(c.in(0), alpha)};
}

Values hard_sigmoid(Call& c) {
  const double alpha = c.attribute("alpha", 0.2), beta = c.attribute("beta", 0.5);
  if (is(alpha, 1.0 / 6) && is(beta, 0.5)) return {hardsigmoid(c.in(0))};
  return {clamp(alpha * c.in(0) + beta, 0, 1)};
}

Values thresholded(Call& c) {
  const Tensor& x = c.in(0);
  return {where(greater(x, number_like(x, c.attribute("alpha", 1.0))), x, 0)};
}

Values shrink(Call& c) {
  const Tensor& x = c.in(0);
  const double bias = c.attribute("bias", 0.0), lambda = c.attribute("lambd", 0.5);
  const Tensor inner = where(x > lambda, x - bias, number_like(x, 0));
  return {where(x < -lambda, x + bias, inner)};
}

Values parametric(Call& c) {
  const Tensor& x = c.in(0);
  Tensor slope = c.in(1);
  if (c.opset() < 7 && slope.rank() == 1 && x.rank() > 1 && slope.shape()[0] == x.shape()[1]) {
    Shape shape = Shape::filled(x.rank(), 1);
    shape[1] = slope.shape()[0];
    slope = reshape(slope, shape);
  }
  return {where(greater(x, number_like(x, 0)), x, slope * x)};
}

Values gelu_of(Call& c) { return {gelu(c.in(0), c.attribute("approximate", "none"))}; }

Values swish(Call& c) {
  const double alpha = c.attribute("alpha", 1.0);
  const Tensor& x = c.in(0);
  return {alpha == 1 ? silu(x) : x * sigmoid(alpha * x)};
}

Values soft_plus(Call& c) { return {softplus(c.in(0))}; }

// Before opset 13 everything from the axis on is one dimension.
template <class F>
Tensor along_axis(Call& c, const F& fn) {
  const Tensor& x = c.in(0);
  if (c.opset() >= 13) return fn(x, c.axis(c.attribute("axis", std::int64_t{-1}), x.rank()));
  const int axis = c.axis(c.attribute("axis", std::int64_t{1}), x.rank());
  if (axis == x.rank() - 1) return fn(x, axis);
  return reshape(fn(flatten(x, axis), axis), x.shape());
}

Values soft_max(Call& c) {
  return {along_axis(c, [](const Tensor& x, int axis) { return softmax(x, axis); })};
}
Values log_soft_max(Call& c) {
  return {along_axis(c, [](const Tensor& x, int axis) { return log_softmax(x, axis); })};
}
Values hard_max(Call& c) {
  return {along_axis(c, [](const Tensor& x, int axis) {
    return movedim(one_hot(argmax(x, axis), x.shape()[axis], x.dtype()), -1, axis);
  })};
}

}  // namespace

std::vector<Operator> activation_operators() {
  return {
      {"Celu", 12, celu_of},
      {"Elu", 1, exponential_linear},
      {"Gelu", 20, gelu_of},
      {"HardSigmoid", 1, hard_sigmoid},
      {"HardSwish", 14, plain<&hardswish>},
      {"Hardmax", 1, hard_max},
      {"LeakyRelu", 1, leaky},
      {"LogSoftmax", 1, log_soft_max},
      {"Mish", 18, plain<&mish>},
      {"PRelu", 1, parametric},
      {"Relu", 1, plain<&relu>},
      {"Selu", 1, scaled_elu},
      {"Shrink", 9, shrink},
      {"Sigmoid", 1, plain<&sigmoid>},
      {"Softmax", 1, soft_max},
      {"Softplus", 1, soft_plus},
      {"Softsign", 1, plain<&softsign>},
      {"Swish", 24, swish},
      {"Tanh", 1, plain<&tanh>},
      {"ThresholdedRelu", 10, thresholded},
  };
}

}  // namespace catena::onnx
