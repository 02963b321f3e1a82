#include "catena/train/lion.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

Lion::Lion(const std::vector<Tensor>& params, LionOptions options, Location loc) {
  add_param_group({params, options}, loc);
}
Lion::Lion(const std::vector<Group>& groups, Location loc) { add_groups(groups, loc); }

void Lion::check(const LionOptions& o, const Location& loc) const {
  const auto fail = [&](std::string_view what) { throw_argument(kName, what, loc); };
  if (!(o.lr >= 0)) fail(fmt::format("lr is {}; expected a number >= 0", o.lr));
  for (int i = 0; i < 2; ++i)
    if (!(o.betas[i] >= 0 && o.betas[i] < 1))
      fail(fmt::format("betas[{}] is {}; expected a number in [0, 1)", i, o.betas[i]));
  if (!(o.weight_decay >= 0))
    fail(fmt::format("weight_decay is {}; expected a number >= 0", o.weight_decay));
}

void Lion::visit_group(std::size_t group, detail::StateVisitor& visitor) {
  LionOptions& o = options(group);
  visitor.value("lr", o.lr);
  visitor.value("beta1", o.betas[0]);
  visitor.value("beta2", o.betas[1]);
  visitor.value("weight_decay", o.weight_decay);
  visitor.value("maximize", o.maximize);
}

void Lion::visit_param(std::size_t index, detail::StateVisitor& visitor) {
  slots_.resize(parameters().size());
  Slot& s = slots_[index];
  visitor.tensor("exp_avg", s.exp_avg);
}

void Lion::update(std::size_t index, std::size_t group, const Tensor& grad, const Location& loc) {
  slots_.resize(parameters().size());
  const LionOptions& o = options(group);
  Tensor param = parameters()[index];
  Slot& s = slots_[index];
  detail::follow(s.exp_avg, param);
  const double shrink = 1 - o.lr * o.weight_decay;

  if (detail::is_dense_cpu(param)) {
    const cpu::LionUpdate u{o.lr, o.betas[0], o.betas[1], shrink, o.maximize};
    return detail::update_dense(queue(), param, grad, loc, [&](const auto& dense) {
      dense.run(dense.kernels.lion, u, dense.state(s.exp_avg));
    });
  }
  const Tensor g = detail::plain_gradient(grad, param, 0, o.maximize);
  const Tensor c = s.exp_avg + (g - s.exp_avg) * (1 - o.betas[0]);
  if (shrink != 1) param.mul_(shrink, loc);
  // Unlike sign(c), as the fused update does: NaN for NaN.
  param.add_(where(c > 0, 1, where(c < 0, -1, c)), -o.lr, loc);
  s.exp_avg.add_(g - s.exp_avg, 1 - o.betas[1]);
}

}  // namespace catena::optim
