#include "catena/nn/layers.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/softmax.hpp"

namespace catena::nn {

Dropout::Dropout(double p, Location loc) : p_(p) {
  if (!(p >= 0 && p < 1))
    throw_argument("dropout", fmt::format("p is {}; expected a probability in [0, 1)", p), loc);
  set_description(fmt::format("p={}", p));
}
Tensor Dropout::forward(Tensor x) { return dropout(std::move(x), p_, is_training()); }

Tensor ReLU::forward(Tensor x) { return relu(std::move(x)); }
Tensor Sigmoid::forward(Tensor x) { return sigmoid(std::move(x)); }
Tensor Tanh::forward(Tensor x) { return tanh(std::move(x)); }

Softmax::Softmax(int dim) : dim_(dim) { set_description(fmt::format("dim={}", dim)); }
Tensor Softmax::forward(Tensor x) { return softmax(std::move(x), dim_); }

Flatten::Flatten(int start_dim) : start_dim_(start_dim) {
  set_description(fmt::format("start_dim={}", start_dim));
}
Tensor Flatten::forward(Tensor x) { return flatten(std::move(x), start_dim_); }

}  // namespace catena::nn
