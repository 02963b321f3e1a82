#include "catena/nn/activations.hpp"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"
#include "catena/ops/activation.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/softmax.hpp"

namespace catena::nn {

Tensor ReLU::forward(Tensor x) { return relu(std::move(x)); }
Tensor ReLU6::forward(Tensor x) { return hardtanh(std::move(x), 0, 6); }

LeakyReLU::LeakyReLU(double negative_slope) : negative_slope_(negative_slope) {
  set_description(fmt::format("negative_slope={}", negative_slope));
}
Tensor LeakyReLU::forward(Tensor x) { return leaky_relu(std::move(x), negative_slope_); }

ELU::ELU(double alpha) : alpha_(alpha) { set_description(fmt::format("alpha={}", alpha)); }
Tensor ELU::forward(Tensor x) { return elu(std::move(x), alpha_); }

Tensor SELU::forward(Tensor x) { return selu(std::move(x)); }

CELU::CELU(double alpha) : alpha_(alpha) { set_description(fmt::format("alpha={}", alpha)); }
Tensor CELU::forward(Tensor x) { return celu(std::move(x), alpha_); }

GELU::GELU(std::string approximate, Location loc) : approximate_(std::move(approximate)) {
  const std::string names[] = {"none", "tanh"};
  if (std::ranges::find(names, approximate_) == std::end(names))
    throw_argument("gelu",
                   fmt::format("approximate is '{}'{}; expected none or tanh", approximate_,
                               catena::detail::near_names(approximate_, names)),
                   loc);
  if (approximate_ != "none") set_description(fmt::format("approximate='{}'", approximate_));
}
Tensor GELU::forward(Tensor x) { return gelu(std::move(x), approximate_); }

Tensor SiLU::forward(Tensor x) { return silu(std::move(x)); }
Tensor Mish::forward(Tensor x) { return mish(std::move(x)); }
Tensor Sigmoid::forward(Tensor x) { return sigmoid(std::move(x)); }
Tensor LogSigmoid::forward(Tensor x) { return log_sigmoid(std::move(x)); }
Tensor Tanh::forward(Tensor x) { return tanh(std::move(x)); }

Softplus::Softplus(double beta, double threshold) : beta_(beta), threshold_(threshold) {
  set_description(fmt::format("beta={}, threshold={}", beta, threshold));
}
Tensor Softplus::forward(Tensor x) { return softplus(std::move(x), beta_, threshold_); }

Tensor Softsign::forward(Tensor x) { return softsign(std::move(x)); }

Hardtanh::Hardtanh(double min, double max) : min_(min), max_(max) {
  set_description(fmt::format("min={}, max={}", min, max));
}
Tensor Hardtanh::forward(Tensor x) { return hardtanh(std::move(x), min_, max_); }

Tensor Hardsigmoid::forward(Tensor x) { return hardsigmoid(std::move(x)); }
Tensor Hardswish::forward(Tensor x) { return hardswish(std::move(x)); }

Softmax::Softmax(int dim) : dim_(dim) { set_description(fmt::format("dim={}", dim)); }
Tensor Softmax::forward(Tensor x) { return softmax(std::move(x), dim_); }

LogSoftmax::LogSoftmax(int dim) : dim_(dim) { set_description(fmt::format("dim={}", dim)); }
Tensor LogSoftmax::forward(Tensor x) { return log_softmax(std::move(x), dim_); }

namespace {

struct Named {
  const char* name;
  Tensor (*function)(Tensor x);
};
constexpr Named kActivations[] = {
    {"linear", [](Tensor x) { return x; }},
    {"relu", [](Tensor x) { return relu(std::move(x)); }},
    {"relu6", [](Tensor x) { return hardtanh(std::move(x), 0, 6); }},
    {"leaky_relu", [](Tensor x) { return leaky_relu(std::move(x)); }},
    {"elu", [](Tensor x) { return elu(std::move(x)); }},
    {"selu", [](Tensor x) { return selu(std::move(x)); }},
    {"celu", [](Tensor x) { return celu(std::move(x)); }},
    {"gelu", [](Tensor x) { return gelu(std::move(x)); }},
    {"silu", [](Tensor x) { return silu(std::move(x)); }},
    {"mish", [](Tensor x) { return mish(std::move(x)); }},
    {"sigmoid", [](Tensor x) { return sigmoid(std::move(x)); }},
    {"log_sigmoid", [](Tensor x) { return log_sigmoid(std::move(x)); }},
    {"tanh", [](Tensor x) { return tanh(std::move(x)); }},
    {"softplus", [](Tensor x) { return softplus(std::move(x)); }},
    {"softsign", [](Tensor x) { return softsign(std::move(x)); }},
    {"hardtanh", [](Tensor x) { return hardtanh(std::move(x)); }},
    {"hardsigmoid", [](Tensor x) { return hardsigmoid(std::move(x)); }},
    {"hardswish", [](Tensor x) { return hardswish(std::move(x)); }},
    {"softmax", [](Tensor x) { return softmax(std::move(x), -1); }},
    {"log_softmax", [](Tensor x) { return log_softmax(std::move(x), -1); }},
};

}  // namespace

Activation::Activation(std::string_view name, Location loc) : function_(nullptr) {
  std::vector<std::string> names;
  for (const Named& a : kActivations) {
    if (a.name == name) function_ = a.function;
    names.emplace_back(a.name);
  }
  if (!function_)
    throw_argument("activation",
                   fmt::format("no activation is called '{}'{}; expected one of {}", name,
                               catena::detail::near_names(name, names), fmt::join(names, ", ")),
                   loc);
  set_description(std::string(name));
}
Tensor Activation::forward(Tensor x) { return function_(std::move(x)); }

}  // namespace catena::nn
