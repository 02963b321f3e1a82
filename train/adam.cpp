#include "catena/train/adam.hpp"

#include <fmt/format.h>

#include <cmath>
#include <type_traits>

#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/math.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

Adam::Adam(const std::vector<Tensor>& params, AdamOptions options, Location loc) {
  add_param_group({params, options}, loc);
}
Adam::Adam(const std::vector<Group>& groups, Location loc) { add_groups(groups, loc); }

AdamW::AdamW(const std::vector<Tensor>& params, AdamWOptions options, Location loc) {
  add_param_group({params, options}, loc);
}
AdamW::AdamW(const std::vector<Group>& groups, Location loc) { add_groups(groups, loc); }

template <class OptionsType>
void AdamFamily<OptionsType>::check(const OptionsType& o, const Location& loc) const {
  const auto fail = [&](std::string_view what) { throw_argument(this->name(), what, loc); };
  if (!(o.lr >= 0)) fail(fmt::format("lr is {}; expected a number >= 0", o.lr));
  for (int i = 0; i < 2; ++i)
    if (!(o.betas[i] >= 0 && o.betas[i] < 1))
      fail(fmt::format("betas[{}] is {}; expected a number in [0, 1)", i, o.betas[i]));
  if (!(o.eps >= 0)) fail(fmt::format("eps is {}; expected a number >= 0", o.eps));
  if (!(o.weight_decay >= 0))
    fail(fmt::format("weight_decay is {}; expected a number >= 0", o.weight_decay));
}

template <class OptionsType>
void AdamFamily<OptionsType>::visit_group(std::size_t group, detail::StateVisitor& visitor) {
  OptionsType& o = this->options(group);
  visitor.value("lr", o.lr);
  visitor.value("beta1", o.betas[0]);
  visitor.value("beta2", o.betas[1]);
  visitor.value("eps", o.eps);
  visitor.value("weight_decay", o.weight_decay);
  visitor.value("amsgrad", o.amsgrad);
  visitor.later_value("maximize", o.maximize);
}

template <class OptionsType>
void AdamFamily<OptionsType>::visit_param(std::size_t index, detail::StateVisitor& visitor) {
  slots_.resize(this->parameters().size());
  Slot& slot = slots_[index];
  visitor.value("step", slot.step);
  visitor.tensor("exp_avg", slot.exp_avg);
  visitor.tensor("exp_avg_sq", slot.exp_avg_sq);
  visitor.tensor("max_exp_avg_sq", slot.max_exp_avg_sq);
}

template <class OptionsType>
void AdamFamily<OptionsType>::update(std::size_t index, std::size_t group, const Tensor& grad,
                                     const Location& loc) {
  constexpr bool kDecoupled = std::is_same_v<OptionsType, AdamWOptions>;
  slots_.resize(this->parameters().size());
  const OptionsType& o = this->options(group);
  Tensor param = this->parameters()[index];
  Slot& s = slots_[index];
  detail::follow(s.exp_avg, param);
  detail::follow(s.exp_avg_sq, param);
  if (o.amsgrad) detail::follow(s.max_exp_avg_sq, param);
  ++s.step;
  const double t = static_cast<double>(s.step);
  const double step_size = o.lr / (1 - std::pow(o.betas[0], t));
  const double inverse_sqrt_correction2 = 1 / std::sqrt(1 - std::pow(o.betas[1], t));
  const double shrink = kDecoupled ? 1 - o.lr * o.weight_decay : 1;
  const double weight_decay = kDecoupled ? 0 : o.weight_decay;

  if (detail::is_dense_cpu(param)) {
    const cpu::AdamUpdate u{step_size, o.betas[0],   o.betas[1], inverse_sqrt_correction2,
                            o.eps,     weight_decay, shrink,     o.maximize};
    return detail::update_dense(this->queue(), param, grad, loc, [&](const auto& dense) {
      dense.run(dense.kernels.adam, u, dense.state(s.exp_avg), dense.state(s.exp_avg_sq),
                dense.state(o.amsgrad ? s.max_exp_avg_sq : Tensor()));
    });
  }
  const Tensor g = detail::plain_gradient(grad, param, weight_decay, o.maximize);
  if (shrink != 1) param.mul_(shrink, loc);
  s.exp_avg.add_(g - s.exp_avg, 1 - o.betas[0]);
  s.exp_avg_sq.mul_(o.betas[1]).add_(g * g, 1 - o.betas[1]);
  Tensor second = s.exp_avg_sq;
  if (o.amsgrad) {
    s.max_exp_avg_sq.copy_(maximum(s.max_exp_avg_sq, second));
    second = s.max_exp_avg_sq;
  }
  param.add_(s.exp_avg / (sqrt(second) * inverse_sqrt_correction2 + o.eps), -step_size, loc);
}

template class AdamFamily<AdamOptions>;
template class AdamFamily<AdamWOptions>;

}  // namespace catena::optim
