#include "catena/train/adam.hpp"

#include <fmt/format.h>

#include <cmath>

#include "catena/backends/cpu/update.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

Adam::Adam(const std::vector<Tensor>& params, AdamOptions options, Location loc) {
  add_param_group({params, options}, loc);
}
Adam::Adam(const std::vector<Group>& groups, Location loc) { add_groups(groups, loc); }

void Adam::check(const AdamOptions& o, const Location& loc) const {
  const auto fail = [&](std::string_view what) { throw_argument("adam", what, loc); };
  if (!(o.lr >= 0)) fail(fmt::format("lr is {}; expected a number >= 0", o.lr));
  for (int i = 0; i < 2; ++i)
    if (!(o.betas[i] >= 0 && o.betas[i] < 1))
      fail(fmt::format("betas[{}] is {}; expected a number in [0, 1)", i, o.betas[i]));
  if (!(o.eps >= 0)) fail(fmt::format("eps is {}; expected a number >= 0", o.eps));
  if (!(o.weight_decay >= 0))
    fail(fmt::format("weight_decay is {}; expected a number >= 0", o.weight_decay));
}

void Adam::visit_group(std::size_t group, detail::StateVisitor& visitor) {
  AdamOptions& o = options(group);
  visitor.value("lr", o.lr);
  visitor.value("beta1", o.betas[0]);
  visitor.value("beta2", o.betas[1]);
  visitor.value("eps", o.eps);
  visitor.value("weight_decay", o.weight_decay);
  visitor.value("amsgrad", o.amsgrad);
}

void Adam::visit_param(std::size_t index, detail::StateVisitor& visitor) {
  slots_.resize(parameters().size());
  Slot& slot = slots_[index];
  visitor.value("step", slot.step);
  visitor.tensor("exp_avg", slot.exp_avg);
  visitor.tensor("exp_avg_sq", slot.exp_avg_sq);
  visitor.tensor("max_exp_avg_sq", slot.max_exp_avg_sq);
}

void Adam::update(std::size_t index, std::size_t group, const Tensor& grad, const Location& loc) {
  slots_.resize(parameters().size());
  const AdamOptions& o = options(group);
  Tensor param = parameters()[index];
  Slot& s = slots_[index];
  detail::follow(s.exp_avg, param);
  detail::follow(s.exp_avg_sq, param);
  if (o.amsgrad) detail::follow(s.max_exp_avg_sq, param);
  ++s.step;
  const double t = static_cast<double>(s.step);
  const double step_size = o.lr / (1 - std::pow(o.betas[0], t));
  const double inverse_sqrt_correction2 = 1 / std::sqrt(1 - std::pow(o.betas[1], t));

  if (detail::is_dense_cpu(param)) {
    const cpu::AdamUpdate u{step_size, o.betas[0],    o.betas[1], inverse_sqrt_correction2,
                            o.eps,     o.weight_decay};
    const Tensor dense = detail::dense_like(grad, param);
    const auto run = [&]<class T>(T) {
      const auto writable = [&loc](const Tensor& tensor) {
        return static_cast<T*>(detail::write_pointer(tensor, loc));
      };
      const T* g = static_cast<const T*>(detail::read_pointer(dense));
      cpu::adam_update(writable(param), g, writable(s.exp_avg), writable(s.exp_avg_sq),
                       o.amsgrad ? writable(s.max_exp_avg_sq) : nullptr, param.numel(), u);
    };
    return param.dtype() == kFloat64 ? run(double{}) : run(float{});
  }
  Tensor g = grad.detach();
  if (o.weight_decay != 0) g = g + param * o.weight_decay;
  s.exp_avg.add_(g - s.exp_avg, 1 - o.betas[0]);
  s.exp_avg_sq.mul_(o.betas[1]).add_(g * g, 1 - o.betas[1]);
  Tensor second = s.exp_avg_sq;
  if (o.amsgrad) {
    s.max_exp_avg_sq.copy_(where(s.max_exp_avg_sq > second, s.max_exp_avg_sq, second));
    second = s.max_exp_avg_sq;
  }
  param.add_(s.exp_avg / (sqrt(second) * inverse_sqrt_correction2 + o.eps), -step_size, loc);
}

}  // namespace catena::optim
