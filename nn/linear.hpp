// Linear: y = x W^T + b.
#pragma once

#include <cstdint>

#include "catena/nn/module.hpp"

namespace catena::nn {

// y = x W^T + b with x [.., in_features], W [out_features, in_features], b [out_features] and
// y [.., out_features]. W and b start uniform in [-1/sqrt(in), 1/sqrt(in)), PyTorch's default,
// drawn from the process generator. Error: the last size of x is not in_features.
class Linear : public Layer {
 public:
  Linear(std::int64_t in_features, std::int64_t out_features, bool bias = true,
         Location loc = Location::current());

  Tensor forward(Tensor x) override;

  Tensor weight() const { return weight_; }
  Tensor bias() const { return bias_; }  // undefined without one
  std::int64_t in_features() const { return in_; }
  std::int64_t out_features() const { return out_; }

 private:
  std::int64_t in_, out_;
  Parameter weight_, bias_;
};

}  // namespace catena::nn
