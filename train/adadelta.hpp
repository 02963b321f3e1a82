// Adadelta (Zeiler 2012).
#pragma once

#include "catena/train/optimizer.hpp"

namespace catena::optim {

struct AdadeltaOptions {
  double lr = 1;
  double rho = 0.9;
  double eps = 1e-6;
  double weight_decay = 0;
  bool maximize = false;
};

// With gradient g of parameter p (PyTorch's Adadelta; -g to maximize):
//   g = g + weight_decay p
//   v = rho v + (1 - rho) g^2
//   d = g sqrt(u + eps) / sqrt(v + eps)
//   u = rho u + (1 - rho) d^2
//   p = p - lr d
class Adadelta : public GroupedOptimizer<AdadeltaOptions> {
 public:
  static constexpr const char* kName = "adadelta";
  explicit Adadelta(const std::vector<Tensor>& params, AdadeltaOptions options = {},
                    Location loc = Location::current());
  explicit Adadelta(const std::vector<Group>& groups, Location loc = Location::current());

  const char* name() const override { return kName; }

 protected:
  void update(std::size_t index, std::size_t group, const Tensor& grad,
              const Location& loc) override;
  void check(const AdadeltaOptions& options, const Location& loc) const override;
  void visit_group(std::size_t group, detail::StateVisitor& visitor) override;
  void visit_param(std::size_t index, detail::StateVisitor& visitor) override;

 private:
  struct Slot {
    Tensor square_avg, acc_delta;
  };
  std::vector<Slot> slots_;  // by parameter
};

}  // namespace catena::optim
