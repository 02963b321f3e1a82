#include "catena/train/adamax.hpp"

#include <fmt/format.h>

#include <cmath>

#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/math.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

Adamax::Adamax(const std::vector<Tensor>& params, AdamaxOptions options, Location loc) {
  add_param_group({params, options}, loc);
}
Adamax::Adamax(const std::vector<Group>& groups, Location loc) { add_groups(groups, loc); }

void Adamax::check(const AdamaxOptions& o, const Location& loc) const {
  const auto fail = [&](std::string_view what) { throw_argument(kName, what, loc); };
  if (!(o.lr >= 0)) fail(fmt::format("lr is {}; expected a number >= 0", o.lr));
  for (int i = 0; i < 2; ++i)
    if (!(o.betas[i] >= 0 && o.betas[i] < 1))
      fail(fmt::format("betas[{}] is {}; expected a number in [0, 1)", i, o.betas[i]));
  if (!(o.eps >= 0)) fail(fmt::format("eps is {}; expected a number >= 0", o.eps));
  if (!(o.weight_decay >= 0))
    fail(fmt::format("weight_decay is {}; expected a number >= 0", o.weight_decay));
}

void Adamax::visit_group(std::size_t group, detail::StateVisitor& visitor) {
  AdamaxOptions& o = options(group);
  visitor.value("lr", o.lr);
  visitor.value("beta1", o.betas[0]);
  visitor.value("beta2", o.betas[1]);
  visitor.value("eps", o.eps);
  visitor.value("weight_decay", o.weight_decay);
  visitor.value("maximize", o.maximize);
}

void Adamax::visit_param(std::size_t index, detail::StateVisitor& visitor) {
  slots_.resize(parameters().size());
  Slot& s = slots_[index];
  visitor.value("step", s.step);
  visitor.tensor("exp_avg", s.exp_avg);
  visitor.tensor("exp_inf", s.exp_inf);
}

void Adamax::update(std::size_t index, std::size_t group, const Tensor& grad, const Location& loc) {
  slots_.resize(parameters().size());
  const AdamaxOptions& o = options(group);
  Tensor param = parameters()[index];
  Slot& s = slots_[index];
  detail::follow(s.exp_avg, param);
  detail::follow(s.exp_inf, param);
  ++s.step;
  const double step_size = o.lr / (1 - std::pow(o.betas[0], static_cast<double>(s.step)));

  if (detail::is_dense_cpu(param)) {
    const cpu::AdamaxUpdate u{step_size, o.betas[0], o.betas[1], o.eps, o.weight_decay, o.maximize};
    return detail::update_dense(queue(), param, grad, loc, [&](const auto& dense) {
      dense.run(dense.kernels.adamax, u, dense.state(s.exp_avg), dense.state(s.exp_inf));
    });
  }
  const Tensor g = detail::plain_gradient(grad, param, o.weight_decay, o.maximize);
  s.exp_avg.add_(g - s.exp_avg, 1 - o.betas[0]);
  s.exp_inf.mul_(o.betas[1]);
  s.exp_inf.copy_(maximum(s.exp_inf, abs(g) + o.eps));
  param.add_(s.exp_avg / s.exp_inf, -step_size, loc);
}

}  // namespace catena::optim
