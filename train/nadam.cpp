#include "catena/train/nadam.hpp"

#include <fmt/format.h>

#include <cmath>

#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

NAdam::NAdam(const std::vector<Tensor>& params, NAdamOptions options, Location loc) {
  add_param_group({params, options}, loc);
}
NAdam::NAdam(const std::vector<Group>& groups, Location loc) { add_groups(groups, loc); }

void NAdam::check(const NAdamOptions& o, const Location& loc) const {
  const auto fail = [&](std::string_view what) { throw_argument(kName, what, loc); };
  if (!(o.lr >= 0)) fail(fmt::format("lr is {}; expected a number >= 0", o.lr));
  for (int i = 0; i < 2; ++i)
    if (!(o.betas[i] >= 0 && o.betas[i] < 1))
      fail(fmt::format("betas[{}] is {}; expected a number in [0, 1)", i, o.betas[i]));
  if (!(o.eps >= 0)) fail(fmt::format("eps is {}; expected a number >= 0", o.eps));
  if (!(o.weight_decay >= 0))
    fail(fmt::format("weight_decay is {}; expected a number >= 0", o.weight_decay));
  if (!(o.momentum_decay >= 0))
    fail(fmt::format("momentum_decay is {}; expected a number >= 0", o.momentum_decay));
}

void NAdam::visit_group(std::size_t group, detail::StateVisitor& visitor) {
  NAdamOptions& o = options(group);
  visitor.value("lr", o.lr);
  visitor.value("beta1", o.betas[0]);
  visitor.value("beta2", o.betas[1]);
  visitor.value("eps", o.eps);
  visitor.value("weight_decay", o.weight_decay);
  visitor.value("momentum_decay", o.momentum_decay);
  visitor.value("decoupled_weight_decay", o.decoupled_weight_decay);
  visitor.value("maximize", o.maximize);
}

void NAdam::visit_param(std::size_t index, detail::StateVisitor& visitor) {
  slots_.resize(parameters().size());
  Slot& s = slots_[index];
  visitor.value("step", s.step);
  visitor.value("mu_product", s.mu_product);
  visitor.tensor("exp_avg", s.exp_avg);
  visitor.tensor("exp_avg_sq", s.exp_avg_sq);
}

void NAdam::update(std::size_t index, std::size_t group, const Tensor& grad, const Location& loc) {
  slots_.resize(parameters().size());
  const NAdamOptions& o = options(group);
  Tensor param = parameters()[index];
  Slot& s = slots_[index];
  detail::follow(s.exp_avg, param);
  detail::follow(s.exp_avg_sq, param);
  ++s.step;
  const double t = static_cast<double>(s.step);
  const auto mu = [&o](double at) {
    return o.betas[0] * (1 - 0.5 * std::pow(0.96, at * o.momentum_decay));
  };
  s.mu_product *= mu(t);
  const double grad_step = o.lr * (1 - mu(t)) / (1 - s.mu_product);
  const double avg_step = o.lr * mu(t + 1) / (1 - s.mu_product * mu(t + 1));
  const double inverse_sqrt_correction2 = 1 / std::sqrt(1 - std::pow(o.betas[1], t));
  const double shrink = o.decoupled_weight_decay ? 1 - o.lr * o.weight_decay : 1;
  const double weight_decay = o.decoupled_weight_decay ? 0 : o.weight_decay;

  if (detail::is_dense_cpu(param)) {
    const cpu::NAdamUpdate u{
        grad_step, avg_step,     o.betas[0], o.betas[1], inverse_sqrt_correction2,
        o.eps,     weight_decay, shrink,     o.maximize};
    return detail::update_dense(queue(), param, grad, loc, [&](const auto& dense) {
      dense.run(dense.kernels.nadam, u, dense.state(s.exp_avg), dense.state(s.exp_avg_sq));
    });
  }
  const Tensor g = detail::plain_gradient(grad, param, weight_decay, o.maximize);
  if (shrink != 1) param.mul_(shrink, loc);
  s.exp_avg.add_(g - s.exp_avg, 1 - o.betas[0]);
  s.exp_avg_sq.mul_(o.betas[1]).add_(g * g, 1 - o.betas[1]);
  const Tensor root = sqrt(s.exp_avg_sq) * inverse_sqrt_correction2 + o.eps;
  param.add_((g * grad_step + s.exp_avg * avg_step) / root, -1, loc);
}

}  // namespace catena::optim
