// Base of the optimizers: parameter groups with their own options, state per parameter, PyTorch's
// update rules. Schedules (schedule.hpp) change learning rates between steps; make_optimizer
// (make_optimizer.hpp) makes one by name.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"

namespace catena::optim {

namespace detail {
class StateVisitor;
class UpdateQueue;
}  // namespace detail

// Parameters are numbered through all groups in the order they were given; state() names what
// belongs to a parameter by that number, as PyTorch does.
class Optimizer {
 public:
  using Location = std::source_location;

  virtual ~Optimizer();
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  // Changes every parameter that has a gradient, in place and unrecorded.
  void step(Location loc = Location::current());
  // Forgets all gradients.
  void zero_grad();

  // The learning rate of the first group; setting it sets that of all groups.
  virtual double lr() const = 0;
  virtual void set_lr(double lr, Location loc = Location::current()) = 0;

  // Those of one group. The momentum is the option of that name, or the first of `betas`; empty for
  // an optimizer without. Schedules set them; values are not checked.
  virtual double group_lr(std::size_t group) const = 0;
  virtual void set_group_lr(std::size_t group, double lr) = 0;
  virtual std::optional<double> group_momentum(std::size_t group) const = 0;
  virtual void set_group_momentum(std::size_t group, double momentum) = 0;
  // The learning rate of a group before its first schedule changed it; saved with the state.
  double initial_lr(std::size_t group);
  void set_initial_lr(std::size_t group, double lr);

  // Sets options of all groups, e.g. "lr=0.1, momentum=0.9, nesterov=true". Throws ArgumentError,
  // and changes nothing, for names there are not (with the nearest ones) and values out of range.
  void set_options(std::string_view text, Location loc = Location::current());

  const std::vector<Tensor>& parameters() const { return params_; }
  std::size_t num_groups() const { return group_ends_.size(); }
  // "sgd", "adam", ...: the name for make_optimizer.
  virtual const char* name() const = 0;

  // Options per group ("groups.0.lr"), tensors and step counts per parameter ("params.3.exp_avg",
  // "params.3.step"). A parameter that never had a gradient has step 0 and no tensors.
  State state() const;
  // Takes over options and state. Throws ArgumentError, and changes nothing, when the state is that
  // of another kind of optimizer or of other parameters.
  void load_state(const State& state, Location loc = Location::current());

 protected:
  Optimizer();
  // Appends a group; throws ArgumentError for a parameter that is not a leaf of a floating dtype or
  // is there already, and for a group without parameters.
  virtual void add_group(const std::vector<Tensor>& params, const Location& loc);
  // Parameters [first, second) are those of a group.
  std::pair<std::size_t, std::size_t> group_range(std::size_t group) const;

  // Changes parameter `index`, of group `group`, by its gradient; grad mode is off. `loc` is the
  // line of step(), to be noted with in-place writes.
  virtual void update(std::size_t index, std::size_t group, const Tensor& grad,
                      const Location& loc) = 0;
  // Updates put here are done together when all parameters have been seen.
  detail::UpdateQueue& queue() { return *queue_; }
  // Show the visitor the options of a group, and the state of a parameter; for saving, loading and
  // checking alike.
  virtual void visit_group(std::size_t group, detail::StateVisitor& visitor) = 0;
  virtual void visit_param(std::size_t index, detail::StateVisitor& visitor) = 0;
  // Throws ArgumentError when options of a group are out of range.
  virtual void check_group(std::size_t group, const Location& loc) const = 0;

 private:
  void visit(detail::StateVisitor& visitor);
  std::unique_ptr<detail::UpdateQueue> queue_;
  std::vector<Tensor> params_;
  std::vector<std::size_t> group_ends_;
  std::vector<double> initial_lrs_;  // empty until a schedule asks
};

// An optimizer whose groups have `OptionsType` each.
template <class OptionsType>
class GroupedOptimizer : public Optimizer {
 public:
  using Options = OptionsType;
  struct Group {
    std::vector<Tensor> params;
    Options options{};
  };

  // The options of a group, to read and to change between steps.
  Options& options(std::size_t group = 0) { return options_.at(group); }
  const Options& options(std::size_t group = 0) const { return options_.at(group); }
  // New parameters, e.g. of layers that are unfrozen later.
  void add_param_group(const Group& group, Location loc = Location::current()) {
    check(group.options, loc);
    add_group(group.params, loc);
    options_.push_back(group.options);
  }

  double lr() const override { return options_.front().lr; }
  void set_lr(double lr, Location loc = Location::current()) override {
    Options changed = options_.front();
    changed.lr = lr;
    check(changed, loc);
    for (Options& o : options_) o.lr = lr;
  }
  double group_lr(std::size_t group) const override { return options_.at(group).lr; }
  void set_group_lr(std::size_t group, double lr) override { options_.at(group).lr = lr; }
  std::optional<double> group_momentum(std::size_t group) const override {
    if constexpr (requires(Options o) { o.betas; })
      return options_.at(group).betas[0];
    else if constexpr (requires(Options o) { o.momentum; })
      return options_.at(group).momentum;
    else
      return {};
  }
  void set_group_momentum([[maybe_unused]] std::size_t group,
                          [[maybe_unused]] double momentum) override {
    if constexpr (requires(Options o) { o.betas; })
      options_.at(group).betas[0] = momentum;
    else if constexpr (requires(Options o) { o.momentum; })
      options_.at(group).momentum = momentum;
  }

 protected:
  void add_groups(const std::vector<Group>& groups, const Location& loc) {
    if (groups.empty()) add_group({}, loc);
    for (const Group& group : groups) add_param_group(group, loc);
  }
  // Throws ArgumentError for options out of range.
  virtual void check(const Options& options, const Location& loc) const = 0;
  void check_group(std::size_t group, const Location& loc) const override {
    check(options_.at(group), loc);
  }

 private:
  std::vector<Options> options_;
};

}  // namespace catena::optim
