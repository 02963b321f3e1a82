// Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019).
#pragma once

#include <array>
#include <cstdint>

#include "catena/train/optimizer.hpp"

namespace catena::optim {

struct AdamOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 0;  // added to the gradient (L2), as PyTorch's Adam does
  bool amsgrad = false;     // Reddi, Kale and Kumar 2018
  bool maximize = false;
};

struct AdamWOptions {
  double lr = 1e-3;
  std::array<double, 2> betas = {0.9, 0.999};
  double eps = 1e-8;
  double weight_decay = 1e-2;  // decoupled: shrinks the parameter
  bool amsgrad = false;
  bool maximize = false;
};

// What the two have in common.
template <class OptionsType>
class AdamFamily : public GroupedOptimizer<OptionsType> {
 public:
  using Location = Optimizer::Location;

 protected:
  void update(std::size_t index, std::size_t group, const Tensor& grad,
              const Location& loc) override;
  void check(const OptionsType& options, const Location& loc) const override;
  void visit_group(std::size_t group, detail::StateVisitor& visitor) override;
  void visit_param(std::size_t index, detail::StateVisitor& visitor) override;

 private:
  struct Slot {
    std::int64_t step = 0;
    Tensor exp_avg, exp_avg_sq, max_exp_avg_sq;
  };
  std::vector<Slot> slots_;  // by parameter
};
extern template class AdamFamily<AdamOptions>;
extern template class AdamFamily<AdamWOptions>;

// With gradient g of parameter p at its step t = 1, 2, ... (PyTorch's Adam; -g to maximize):
//   g = g + weight_decay p
//   m = beta1 m + (1 - beta1) g,  v = beta2 v + (1 - beta2) g^2
//   p = p - lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)
// With amsgrad the largest v so far stands in the denominator.
class Adam : public AdamFamily<AdamOptions> {
 public:
  static constexpr const char* kName = "adam";
  explicit Adam(const std::vector<Tensor>& params, AdamOptions options = {},
                Location loc = Location::current());
  explicit Adam(const std::vector<Group>& groups, Location loc = Location::current());
  const char* name() const override { return kName; }
};

// The same with p = p - lr weight_decay p first, in place of the first line (PyTorch's AdamW).
class AdamW : public AdamFamily<AdamWOptions> {
 public:
  static constexpr const char* kName = "adamw";
  explicit AdamW(const std::vector<Tensor>& params, AdamWOptions options = {},
                 Location loc = Location::current());
  explicit AdamW(const std::vector<Group>& groups, Location loc = Location::current());
  const char* name() const override { return kName; }
};

}  // namespace catena::optim
