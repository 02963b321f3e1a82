// Layers without parameters that are no activations.
#pragma once

#include "catena/nn/module.hpp"

namespace catena::nn {

// x itself.
class Identity : public Layer {
 public:
  Tensor forward(Tensor x) override;
};
// In training, each element is zero with probability p and scaled by 1 / (1 - p) otherwise; in
// evaluation the identity. p is in [0, 1).
class Dropout : public Layer {
 public:
  explicit Dropout(double p = 0.5, Location loc = Location::current());
  Tensor forward(Tensor x) override;
  double p() const { return p_; }

 private:
  double p_;
};
// [n, a, b, ..] to [n, a * b * ..].
class Flatten : public Layer {
 public:
  explicit Flatten(int start_dim = 1);
  Tensor forward(Tensor x) override;

 private:
  int start_dim_;
};

}  // namespace catena::nn
