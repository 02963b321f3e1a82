// NAdam: Adam with Nesterov momentum (Dozat 2016).
#pragma once

#include <array>
#include <cstdint>

#include "catena/train/optimizer.hpp"

namespace catena::optim {

struct NAdamOptions {
  double lr = 2e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;
  double momentum_decay = 4e-3;
  bool decoupled_weight_decay = false;  // as AdamW: p = p - lr weight_decay p instead
  bool maximize = false;
};

// With gradient g of parameter p at its step t = 1, 2, ... (PyTorch's NAdam; -g to maximize):
//   g = g + weight_decay p
//   mu_t = beta1 (1 - 0.96^(t momentum_decay) / 2),  M_t = mu_1 ... mu_t
//   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
//   p = p - lr ((1 - mu_t) / (1 - M_t) g + mu_(t+1) / (1 - M_(t+1)) m)
//           / (sqrt(v / (1 - beta2^t)) + eps)
class NAdam : public GroupedOptimizer<NAdamOptions> {
 public:
  static constexpr const char* kName = "nadam";
  explicit NAdam(const std::vector<Tensor>& params, NAdamOptions options = {},
                 Location loc = Location::current());
  explicit NAdam(const std::vector<Group>& groups, Location loc = Location::current());

  const char* name() const override { return kName; }

 protected:
  void update(std::size_t index, std::size_t group, const Tensor& grad,
              const Location& loc) override;
  void check(const NAdamOptions& options, const Location& loc) const override;
  void visit_group(std::size_t group, detail::StateVisitor& visitor) override;
  void visit_param(std::size_t index, detail::StateVisitor& visitor) override;

 private:
  struct Slot {
    std::int64_t step = 0;
    double mu_product = 1;
    Tensor exp_avg, exp_avg_sq;
  };
  std::vector<Slot> slots_;  // by parameter
};

}  // namespace catena::optim
