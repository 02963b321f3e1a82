#include "catena/train/optimizer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <unordered_set>

#include "catena/backends/cpu/float_mode.hpp"
#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/profiler.hpp"
#include "catena/train/optimizer_state.hpp"
#include "catena/train/spec.hpp"

namespace catena::optim {

Optimizer::Optimizer() : queue_(std::make_unique<detail::UpdateQueue>()) {}
Optimizer::~Optimizer() = default;

void Optimizer::step(Location loc) {
  const ProfileSpan span(std::string(name()) + " step", loc);
  NoGrad no_grad;
  // Averages of gradients that have become 0 decay to denormal numbers and would stay there.
  const cpu::FloatModeScope flush(cpu::FloatMode::current().flushing(true));
  try {
    for (std::size_t g = 0; g < num_groups(); ++g) {
      const auto [begin, end] = group_range(g);
      for (std::size_t i = begin; i < end; ++i) {
        const Tensor grad = params_[i].grad();
        if (!grad.defined()) continue;
        if (!detail::is_dense_cpu(params_[i]))
          queue_->run();  // what is made of ops is done at once
        update(i, g, grad, loc);
      }
    }
  } catch (...) {
    queue_->run();  // the parameters before the one that failed, whose state has moved on
    throw;
  }
  queue_->run();
}

void Optimizer::zero_grad() {
  for (Tensor& p : params_) p.zero_grad();
}

void Optimizer::add_group(const std::vector<Tensor>& params, const Location& loc) {
  const auto fail = [&](std::string_view what) { throw_argument(name(), what, loc); };
  if (params.empty()) fail("the list of parameters is empty; give model.parameters()");
  std::unordered_set<const void*> known;
  for (const Tensor& p : params_) known.insert(p.impl());
  for (std::size_t i = 0; i < params.size(); ++i) {
    const Tensor& p = params[i];
    if (!p.defined()) fail(fmt::format("parameter {} is an undefined tensor", i));
    if (!p.is_leaf())
      fail(fmt::format("parameter {} of shape {} was computed by ops; only leaves can be optimized",
                       i, to_string(p.shape())));
    if (!is_floating(p.dtype()))
      fail(fmt::format("parameter {} is {}; expected a floating dtype", i, name_of(p.dtype())));
    if (!known.insert(p.impl()).second)
      fail(fmt::format("parameter {} of shape {} was given before; each belongs to one group, once",
                       i, to_string(p.shape())));
  }
  params_.insert(params_.end(), params.begin(), params.end());
  group_ends_.push_back(params_.size());
}

std::pair<std::size_t, std::size_t> Optimizer::group_range(std::size_t group) const {
  return {group == 0 ? 0 : group_ends_[group - 1], group_ends_[group]};
}

void Optimizer::visit(detail::StateVisitor& visitor) {
  for (std::size_t g = 0; g < num_groups(); ++g) {
    visitor.prefix = fmt::format("groups.{}.", g);
    visit_group(g, visitor);
  }
  for (std::size_t i = 0; i < params_.size(); ++i) {
    visitor.prefix = fmt::format("params.{}.", i);
    visitor.param = &params_[i];
    visit_param(i, visitor);
  }
}

State Optimizer::state() const {
  State out;
  out.add_value("type", std::string(name()));
  std::vector<std::int64_t> sizes;
  for (std::size_t g = 0; g < num_groups(); ++g) {
    const auto [begin, end] = group_range(g);
    sizes.push_back(static_cast<std::int64_t>(end - begin));
  }
  out.add_value("group_sizes", std::move(sizes));
  if (!initial_lrs_.empty()) out.add_value("initial_lr", initial_lrs_);
  detail::StateSaver saver(out);
  // The visitor writes into optimizers only when it loads.
  const_cast<Optimizer*>(this)->visit(saver);
  return out;
}

void Optimizer::load_state(const State& state, Location loc) {
  const auto type = state.get<std::string>("type", loc);
  if (type != name())
    throw_argument(
        "load_state",
        fmt::format("the state is of the optimizer '{}', this one is '{}'", type, name()), loc);
  const State own = this->state();
  const auto sizes = state.get<std::vector<std::int64_t>>("group_sizes", loc);
  if (sizes != own.get<std::vector<std::int64_t>>("group_sizes"))
    throw_argument("load_state",
                   fmt::format("the state has parameter groups of sizes {}, this optimizer {}",
                               to_string(*state.find_value("group_sizes")),
                               to_string(*own.find_value("group_sizes"))),
                   loc);
  NoGrad no_grad;
  detail::StateLoader check(state, false, loc);
  visit(check);
  std::vector<double> initial_lrs;
  if (state.find_value("initial_lr") != nullptr)
    initial_lrs = state.get<std::vector<double>>("initial_lr", loc);
  const auto take = [this, &loc](const State& from) {
    detail::StateLoader apply(from, true, loc);
    visit(apply);
  };
  take(state);
  try {
    for (std::size_t g = 0; g < num_groups(); ++g) check_group(g, loc);
  } catch (...) {
    take(own);
    throw;
  }
  initial_lrs_ = std::move(initial_lrs);
}

void Optimizer::set_options(std::string_view text, Location loc) {
  const std::vector<train::detail::TextOption> options =
      train::detail::parse_options(name(), text, loc);
  State before;
  detail::StateSaver saver(before);
  const auto visit_groups = [this](detail::StateVisitor& visitor) {
    for (std::size_t g = 0; g < num_groups(); ++g) {
      visitor.prefix = fmt::format("groups.{}.", g);
      visit_group(g, visitor);
    }
  };
  visit_groups(saver);
  try {
    for (std::size_t g = 0; g < num_groups(); ++g) {
      train::detail::TextReader reader(name(), options, loc);
      visit_group(g, reader);
      reader.finish();
      check_group(g, loc);
    }
  } catch (...) {
    detail::StateLoader restore(before, true, loc);
    visit_groups(restore);
    throw;
  }
}

double Optimizer::initial_lr(std::size_t group) {
  for (std::size_t g = initial_lrs_.size(); g < num_groups(); ++g)
    initial_lrs_.push_back(group_lr(g));
  return initial_lrs_.at(group);
}

void Optimizer::set_initial_lr(std::size_t group, double lr) {
  initial_lr(group);
  initial_lrs_[group] = lr;
}

}  // namespace catena::optim
