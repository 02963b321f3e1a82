// Adamax: Adam by the infinity norm (Kingma and Ba 2015, section 7.1).
#pragma once

#include <array>
#include <cstdint>

#include "catena/train/optimizer.hpp"

namespace catena::optim {

struct AdamaxOptions {
  double lr = 2e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  bool maximize = false;
};

// With gradient g of parameter p at its step t = 1, 2, ... (PyTorch's Adamax; -g to maximize):
//   g = g + weight_decay p
//   m = beta1 m + (1 - beta1) g
//   u = max(beta2 u, |g| + eps)
//   p = p - lr / (1 - beta1^t) m / u
class Adamax : public GroupedOptimizer<AdamaxOptions> {
 public:
  static constexpr const char* kName = "adamax";
  explicit Adamax(const std::vector<Tensor>& params, AdamaxOptions options = {},
                  Location loc = Location::current());
  explicit Adamax(const std::vector<Group>& groups, Location loc = Location::current());

  const char* name() const override { return kName; }

 protected:
  void update(std::size_t index, std::size_t group, const Tensor& grad,
              const Location& loc) override;
  void check(const AdamaxOptions& options, const Location& loc) const override;
  void visit_group(std::size_t group, detail::StateVisitor& visitor) override;
  void visit_param(std::size_t index, detail::StateVisitor& visitor) override;

 private:
  struct Slot {
    std::int64_t step = 0;
    Tensor exp_avg, exp_inf;
  };
  std::vector<Slot> slots_;  // by parameter
};

}  // namespace catena::optim
