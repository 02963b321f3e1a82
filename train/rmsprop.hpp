// RMSProp (Hinton 2012, lecture 6e of "Neural Networks for Machine Learning"; centered: Graves
// 2013).
#pragma once

#include "catena/train/optimizer.hpp"

namespace catena::optim {

struct RMSpropOptions {
  double lr = 1e-2;
  double alpha = 0.99;
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum = 0;
  bool centered = false;
  bool maximize = false;
};

// With gradient g of parameter p (PyTorch's RMSprop; -g to maximize):
//   g = g + weight_decay p
//   v = alpha v + (1 - alpha) g^2
//   a = alpha a + (1 - alpha) g, when centered, else 0
//   b = momentum b + g / (sqrt(v - a^2) + eps)
//   p = p - lr b
class RMSprop : public GroupedOptimizer<RMSpropOptions> {
 public:
  static constexpr const char* kName = "rmsprop";
  explicit RMSprop(const std::vector<Tensor>& params, RMSpropOptions options = {},
                   Location loc = Location::current());
  explicit RMSprop(const std::vector<Group>& groups, Location loc = Location::current());

  const char* name() const override { return kName; }

 protected:
  void update(std::size_t index, std::size_t group, const Tensor& grad,
              const Location& loc) override;
  void check(const RMSpropOptions& options, const Location& loc) const override;
  void visit_group(std::size_t group, detail::StateVisitor& visitor) override;
  void visit_param(std::size_t index, detail::StateVisitor& visitor) override;

 private:
  struct Slot {
    Tensor square_avg, grad_avg, momentum_buffer;
  };
  std::vector<Slot> slots_;  // by parameter
};

}  // namespace catena::optim
