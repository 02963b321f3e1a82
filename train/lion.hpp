// Lion (Chen et al. 2023, "Symbolic Discovery of Optimization Algorithms", algorithm 2).
#pragma once

#include <array>

#include "catena/train/optimizer.hpp"

namespace catena::optim {

struct LionOptions {
  double lr = 1e-4;
  std::array<double, 2> betas = {0.9, 0.99};
  double weight_decay = 0;  // decoupled: p = p - lr weight_decay p
  bool maximize = false;
};

// With gradient g of parameter p (-g to maximize):
//   c = beta1 m + (1 - beta1) g
//   p = p - lr (sign(c) + weight_decay p)
//   m = beta2 m + (1 - beta2) g
class Lion : public GroupedOptimizer<LionOptions> {
 public:
  static constexpr const char* kName = "lion";
  explicit Lion(const std::vector<Tensor>& params, LionOptions options = {},
                Location loc = Location::current());
  explicit Lion(const std::vector<Group>& groups, Location loc = Location::current());

  const char* name() const override { return kName; }

 protected:
  void update(std::size_t index, std::size_t group, const Tensor& grad,
              const Location& loc) override;
  void check(const LionOptions& options, const Location& loc) const override;
  void visit_group(std::size_t group, detail::StateVisitor& visitor) override;
  void visit_param(std::size_t index, detail::StateVisitor& visitor) override;

 private:
  struct Slot {
    Tensor exp_avg;
  };
  std::vector<Slot> slots_;  // by parameter
};

}  // namespace catena::optim
