#include "catena/train/accumulation.hpp"

#include <fmt/format.h>

#include <utility>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

GradientAccumulation::GradientAccumulation(Optimizer& optimizer, std::int64_t k, Location loc)
    : optimizer_(optimizer), k_(k) {
  if (k < 1)
    throw_argument("gradient_accumulation", fmt::format("k is {}; expected at least 1", k), loc);
}

void GradientAccumulation::backward(const Tensor& loss, Location loc) {
  if (std::exchange(begins_, false)) optimizer_.zero_grad();
  Tensor part;
  if (k_ > 1)
    part = full(loss.shape(), 1.0 / static_cast<double>(k_),
                TensorOptions(loss.dtype(), loss.device()));
  loss.backward(part, false, false, loc);
}

bool GradientAccumulation::step(Location loc) {
  if (++pending_ < k_) return false;
  optimizer_.step(loc);
  pending_ = 0;
  begins_ = true;
  return true;
}

void GradientAccumulation::end_group(Location loc) { end_group(pending_ + 1, loc); }

bool GradientAccumulation::flush(Location loc) {
  if (pending_ == 0) return false;
  end_group(pending_, loc);
  return step(loc);
}

// Each of the batches came in as one of k.
void GradientAccumulation::end_group(std::int64_t batches, const Location& loc) {
  if (batches == k_) return;
  NoGrad no_grad;
  for (const Tensor& p : optimizer_.parameters())
    if (Tensor g = p.grad(); g.defined())
      g.mul_(static_cast<double>(k_) / static_cast<double>(batches), loc);
  pending_ = k_ - 1;
}

State GradientAccumulation::state() const {
  State out;
  out.add_value("k", k_);
  out.add_value("pending", pending_);
  if (pending_ == 0) return out;
  const std::vector<Tensor>& params = optimizer_.parameters();
  for (std::size_t i = 0; i < params.size(); ++i)
    if (const Tensor g = params[i].grad(); g.defined())
      out.add(fmt::format("params.{}.grad", i), g.detach());
  return out;
}

void GradientAccumulation::load_state(const State& state, Location loc) {
  const auto k = state.get<std::int64_t>("k", loc);
  const auto pending = state.get<std::int64_t>("pending", loc);
  if (k < 1 || pending < 0 || pending >= k)
    throw_argument(
        "load_state",
        fmt::format("the state has {} of {} batches; expected fewer than all", pending, k), loc);
  NoGrad no_grad;
  const std::vector<Tensor>& params = optimizer_.parameters();
  std::vector<Tensor> grads(params.size());
  for (std::size_t i = 0; i < params.size(); ++i) {
    detail::StateLoader loader(state, true, loc);
    loader.prefix = fmt::format("params.{}.", i);
    loader.param = &params[i];
    loader.tensor("grad", grads[i]);
  }
  k_ = k;
  pending_ = pending;
  begins_ = pending == 0;
  for (std::size_t i = 0; i < params.size(); ++i) {
    Tensor p = params[i];
    if (grads[i].defined())
      p.set_grad(grads[i], loc);
    else
      p.zero_grad();
  }
}

}  // namespace catena::optim
