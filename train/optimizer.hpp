// Optimizers: parameter groups with their own options, state per parameter, PyTorch's update rules.
#pragma once

#include <cstdint>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::optim {

// Common to all optimizers. Parameters are numbered through all groups in order of addition; state()
// names what belongs to a parameter by that number, as PyTorch does.
class Optimizer {
 public:
  using Location = std::source_location;

  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Changes every parameter that has a gradient, in place, unrecorded.
  virtual void step() = 0;
  // Forgets all gradients.
  void zero_grad();

  // The learning rate of all groups, and of the first.
  virtual void set_lr(double lr) = 0;
  virtual double lr() const = 0;

  const std::vector<Tensor>& parameters() const { return params_; }
  // "sgd", "adam".
  virtual const char* name() const = 0;
  // Options per group ("groups.0.lr"), tensors and step counts per parameter
  // ("params.3.exp_avg", "params.3.step").
  State state() const;
  // Throws ArgumentError when the state is another optimizer's, or of other parameters.
  void load_state(const State& state, Location loc = Location::current());

 protected:
  Optimizer() = default;
  // Checks and appends the parameters of a new group; throws ArgumentError for one that is not a
  // leaf of a floating dtype or comes twice.
  void add_params(const char* op, const std::vector<Tensor>& params, const Location& loc);

  // What a subclass saves: its groups' options, and the slots of parameter `index`. Loading visits
  // the same members in the same order.
  class Visitor;
  virtual std::size_t num_groups() const = 0;
  virtual void visit_group(std::size_t group, Visitor& visitor) = 0;
  virtual void visit_param(std::size_t index, Visitor& visitor) = 0;

 private:
  std::vector<Tensor> params_;
};

}  // namespace catena::optim
