// Stochastic gradient descent with momentum.
#pragma once

#include "catena/train/optimizer.hpp"

namespace catena::optim {

struct SGDOptions {
  double lr = 1e-3;
  double momentum = 0;
  double dampening = 0;
  double weight_decay = 0;
  bool nesterov = false;  // needs momentum > 0 and dampening 0
  bool maximize = false;
};

// With gradient g of parameter p (PyTorch's SGD; -g to maximize):
//   g = g + weight_decay p
//   b = momentum b + (1 - dampening) g   (b = g at the first step), when momentum > 0
//   p = p - lr (nesterov ? g + momentum b : b)
class SGD : public GroupedOptimizer<SGDOptions> {
 public:
  static constexpr const char* kName = "sgd";
  explicit SGD(const std::vector<Tensor>& params, SGDOptions options = {},
               Location loc = Location::current());
  explicit SGD(const std::vector<Group>& groups, Location loc = Location::current());

  const char* name() const override { return kName; }

 protected:
  void update(std::size_t index, std::size_t group, const Tensor& grad,
              const Location& loc) override;
  void check(const SGDOptions& options, const Location& loc) const override;
  void visit_group(std::size_t group, detail::StateVisitor& visitor) override;
  void visit_param(std::size_t index, detail::StateVisitor& visitor) override;

 private:
  std::vector<Tensor> momentum_buffers_;  // by parameter
};

}  // namespace catena::optim
