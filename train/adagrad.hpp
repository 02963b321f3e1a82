// Adagrad (Duchi, Hazan and Singer 2011).
#pragma once

#include <cstdint>

#include "catena/train/optimizer.hpp"

namespace catena::optim {

struct AdagradOptions {
  double lr = 1e-2;
  double lr_decay = 0;
  double weight_decay = 0;
  double initial_accumulator_value = 0;  // of s
  double eps = 1e-10;
  bool maximize = false;
};

// With gradient g of parameter p at its step t = 1, 2, ... (PyTorch's Adagrad; -g to maximize):
//   g = g + weight_decay p
//   s = s + g^2
//   p = p - lr / (1 + (t - 1) lr_decay) g / (sqrt(s) + eps)
class Adagrad : public GroupedOptimizer<AdagradOptions> {
 public:
  static constexpr const char* kName = "adagrad";
  explicit Adagrad(const std::vector<Tensor>& params, AdagradOptions options = {},
                   Location loc = Location::current());
  explicit Adagrad(const std::vector<Group>& groups, Location loc = Location::current());

  const char* name() const override { return kName; }

 protected:
  void update(std::size_t index, std::size_t group, const Tensor& grad,
              const Location& loc) override;
  void check(const AdagradOptions& options, const Location& loc) const override;
  void visit_group(std::size_t group, detail::StateVisitor& visitor) override;
  void visit_param(std::size_t index, detail::StateVisitor& visitor) override;

 private:
  struct Slot {
    std::int64_t step = 0;
    Tensor sum;
  };
  std::vector<Slot> slots_;  // by parameter
};

}  // namespace catena::optim
