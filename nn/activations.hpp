// Activations as modules, for Sequential and for models described by name. Each is the function of
// ops/ of its name.
#pragma once

#include <string>
#include <string_view>

#include "catena/nn/module.hpp"

namespace catena::nn {

// max(x, 0).
class ReLU : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// min(max(x, 0), 6).
class ReLU6 : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// x for x > 0, else negative_slope x.
class LeakyReLU : public Layer {
 public:
  explicit LeakyReLU(double negative_slope = 0.01);
  Tensor forward(Tensor x) override;

 private:
  double negative_slope_;
};
// x for x > 0, else alpha (e^x - 1).
class ELU : public Layer {
 public:
  explicit ELU(double alpha = 1);
  Tensor forward(Tensor x) override;

 private:
  double alpha_;
};
class SELU : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// x for x > 0, else alpha (e^(x / alpha) - 1).
class CELU : public Layer {
 public:
  explicit CELU(double alpha = 1);
  Tensor forward(Tensor x) override;

 private:
  double alpha_;
};
// x Phi(x) with the normal distribution Phi; approximate = "tanh" for the formula with tanh.
// Error: another word.
class GELU : public Layer {
 public:
  explicit GELU(std::string approximate = "none", Location loc = Location::current());
  Tensor forward(Tensor x) override;

 private:
  std::string approximate_;
};
// x / (1 + e^-x).
class SiLU : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// x tanh(ln(1 + e^x)).
class Mish : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// 1 / (1 + e^-x).
class Sigmoid : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// -ln(1 + e^-x).
class LogSigmoid : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
class Tanh : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// ln(1 + e^(beta x)) / beta, and x itself where beta x is above the threshold.
class Softplus : public Layer {
 public:
  explicit Softplus(double beta = 1, double threshold = 20);
  Tensor forward(Tensor x) override;

 private:
  double beta_, threshold_;
};
// x / (1 + |x|).
class Softsign : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// min(max(x, min), max).
class Hardtanh : public Layer {
 public:
  explicit Hardtanh(double min = -1, double max = 1);
  Tensor forward(Tensor x) override;

 private:
  double min_, max_;
};
// min(max(x / 6 + 1/2, 0), 1).
class Hardsigmoid : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// x min(max(x / 6 + 1/2, 0), 1).
class Hardswish : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// e^x over its sum along `dim`.
class Softmax : public Layer {
 public:
  explicit Softmax(int dim = -1);
  Tensor forward(Tensor x) override;

 private:
  int dim_;
};
// The logarithm of that.
class LogSoftmax : public Layer {
 public:
  explicit LogSoftmax(int dim = -1);
  Tensor forward(Tensor x) override;

 private:
  int dim_;
};

// One of the above by the name of its function, with its default attributes: "relu", "leaky_relu",
// "gelu", "softmax", ..., or "linear" for x itself. Error: another name; it lists near ones.
class Activation : public Layer {
 public:
  explicit Activation(std::string_view name, Location loc = Location::current());
  Tensor forward(Tensor x) override;

 private:
  Tensor (*function_)(Tensor x);
};

}  // namespace catena::nn
