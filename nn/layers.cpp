#include "catena/nn/layers.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/shape.hpp"

namespace catena::nn {

Tensor Identity::forward(Tensor x) { return x; }

Dropout::Dropout(double p, Location loc) : p_(p) {
  if (!(p >= 0 && p <= 1))
    throw_argument("dropout", fmt::format("p is {}; expected a probability in [0, 1]", p), loc);
  set_description(fmt::format("p={}", p));
}
Tensor Dropout::forward(Tensor x) { return dropout(std::move(x), p_, is_training()); }

Flatten::Flatten(int start_dim) : start_dim_(start_dim) {
  set_description(fmt::format("start_dim={}", start_dim));
}
Tensor Flatten::forward(Tensor x) { return flatten(std::move(x), start_dim_); }

}  // namespace catena::nn
