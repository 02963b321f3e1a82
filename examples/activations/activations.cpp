// Activation functions and their derivatives: the tape's derivative of each against its closed form
// in plain numbers, and both curves drawn.
#include <algorithm>
#include <cmath>
#include <functional>
#include <iostream>

#include <catena/catena.hpp>

#include "../task.hpp"

namespace {

using namespace catena;

double sigma(double x) { return 1 / (1 + std::exp(-x)); }
// Density and distribution of the standard normal.
double phi(double x) { return std::exp(-x * x / 2) / std::sqrt(2 * M_PI); }
double Phi(double x) { return std::erfc(-x * M_SQRT1_2) / 2; }

struct Activation {
  const char* name;
  std::function<Tensor(const Tensor&)> function;
  double (*derivative)(double x);
};

const Activation kActivations[] = {
    {"sigmoid", [](const Tensor& x) { return sigmoid(x); },
     [](double x) { return sigma(x) * (1 - sigma(x)); }},
    {"tanh", [](const Tensor& x) { return tanh(x); },
     [](double x) { return 1 - std::tanh(x) * std::tanh(x); }},
    {"relu", [](const Tensor& x) { return relu(x); }, [](double x) { return x > 0 ? 1.0 : 0.0; }},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x, 0.1); },
     [](double x) { return x > 0 ? 1.0 : 0.1; }},
    {"elu", [](const Tensor& x) { return elu(x); },
     [](double x) { return x > 0 ? 1.0 : std::exp(x); }},
    {"softplus", [](const Tensor& x) { return softplus(x); }, sigma},
    {"silu", [](const Tensor& x) { return silu(x); },
     [](double x) { return sigma(x) * (1 + x * (1 - sigma(x))); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }, [](double x) { return Phi(x) + x * phi(x); }},
    {"mish", [](const Tensor& x) { return mish(x); },
     [](double x) {
       const double t = std::tanh(std::log1p(std::exp(x)));
       return t + x * (1 - t * t) * sigma(x);
     }},
    {"softsign", [](const Tensor& x) { return softsign(x); },
     [](double x) { return 1 / ((1 + std::abs(x)) * (1 + std::abs(x))); }},
};

}  // namespace

task::Result task::activations(const Options& options) {
  std::vector<double> at;
  for (int i = -500; i <= 500; ++i) at.push_back(i / 100.0);
  Tensor x = tensor(at, {static_cast<std::int64_t>(at.size())}, kFloat64);
  x.set_requires_grad();

  Result result;
  std::vector<train::Series> values, derivatives;
  for (const Activation& a : kActivations) {
    const Tensor y = a.function(x);
    const std::vector<double> slope = grad(y.sum(), x).to_vector();
    double worst = 0;
    for (std::size_t i = 0; i < at.size(); ++i)
      worst = std::max(worst, std::abs(slope[i] - a.derivative(at[i])));
    result.values.emplace_back(a.name, worst);
    result.score = std::max(result.score, worst);
    values.push_back({a.name, at, y.to_vector()});
    derivatives.push_back({a.name, at, slope});
    if (options.verbose)
      std::cout << a.name << ": largest error of the derivative on [-5, 5] " << worst << '\n';
  }
  result.target = 1e-12;
  result.at_most = true;
  if (!options.out_dir.empty())
    result.pictures = {train::plot(values, options.out_dir, "activations", {.x_label = "x"}),
                       train::plot(derivatives, options.out_dir, "activation_derivatives",
                                   {.x_label = "x", .y_label = "dy/dx"})};
  return result;
}
