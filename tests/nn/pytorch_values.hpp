// The inputs, parameters and losses of the layers compared with PyTorch; the scripts that write the
// stored numbers use the same.
#pragma once

#include <cmath>
#include <functional>
#include <vector>

#include "catena/graph/autograd.hpp"
#include "catena/nn/module.hpp"
#include "catena/ops/all.hpp"
#include "support.hpp"

namespace catena::test {

// Element i is f(i), in float64.
inline Tensor filled(const Shape& shape, const std::function<double(double)>& f) {
  std::vector<double> values;
  for (std::int64_t i = 0; i < shape.numel(); ++i) values.push_back(f(static_cast<double>(i)));
  return tensor(values, shape, kFloat64);
}

// The sum, element i times cos(0.3 i).
inline Tensor weighted(const Tensor& t) {
  return sum(t * filled(t.shape(), [](double i) { return std::cos(0.3 * i); }));
}

// Makes the module float64, and element i of its parameter k 0.6 sin(1 + i + 5 k).
inline void fill_parameters(nn::Module& module) {
  const NoGrad off;
  module.to(kFloat64);
  double k = 0;
  for (Tensor& p : module.parameters()) {
    p.copy_(filled(p.shape(), [&](double i) { return 0.6 * std::sin(1 + i + 5 * k); }));
    k += 1;
  }
}

}  // namespace catena::test
