#include "catena/train/adadelta.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

Adadelta::Adadelta(const std::vector<Tensor>& params, AdadeltaOptions options, Location loc) {
  add_param_group({params, options}, loc);
}
Adadelta::Adadelta(const std::vector<Group>& groups, Location loc) { add_groups(groups, loc); }

void Adadelta::check(const AdadeltaOptions& o, const Location& loc) const {
  const auto fail = [&](std::string_view what) { throw_argument(kName, what, loc); };
  if (!(o.lr >= 0)) fail(fmt::format("lr is {}; expected a number >= 0", o.lr));
  if (!(o.rho >= 0 && o.rho <= 1))
    fail(fmt::format("rho is {}; expected a number in [0, 1]", o.rho));
  if (!(o.eps >= 0)) fail(fmt::format("eps is {}; expected a number >= 0", o.eps));
  if (!(o.weight_decay >= 0))
    fail(fmt::format("weight_decay is {}; expected a number >= 0", o.weight_decay));
}

void Adadelta::visit_group(std::size_t group, detail::StateVisitor& visitor) {
  AdadeltaOptions& o = options(group);
  visitor.value("lr", o.lr);
  visitor.value("rho", o.rho);
  visitor.value("eps", o.eps);
  visitor.value("weight_decay", o.weight_decay);
  visitor.value("maximize", o.maximize);
}

void Adadelta::visit_param(std::size_t index, detail::StateVisitor& visitor) {
  slots_.resize(parameters().size());
  Slot& s = slots_[index];
  visitor.tensor("square_avg", s.square_avg);
  visitor.tensor("acc_delta", s.acc_delta);
}

void Adadelta::update(std::size_t index, std::size_t group, const Tensor& grad,
                      const Location& loc) {
  slots_.resize(parameters().size());
  const AdadeltaOptions& o = options(group);
  Tensor param = parameters()[index];
  Slot& s = slots_[index];
  detail::follow(s.square_avg, param);
  detail::follow(s.acc_delta, param);

  if (detail::is_dense_cpu(param)) {
    const cpu::AdadeltaUpdate u{o.lr, o.rho, o.eps, o.weight_decay, o.maximize};
    return detail::update_dense(queue(), param, grad, loc, [&](const auto& dense) {
      dense.run(dense.kernels.adadelta, u, dense.state(s.square_avg), dense.state(s.acc_delta));
    });
  }
  const Tensor g = detail::plain_gradient(grad, param, o.weight_decay, o.maximize);
  s.square_avg.mul_(o.rho).add_(g * g, 1 - o.rho);
  const Tensor step = sqrt(s.acc_delta + o.eps) / sqrt(s.square_avg + o.eps) * g;
  s.acc_delta.mul_(o.rho).add_(step * step, 1 - o.rho);
  param.add_(step, -o.lr, loc);
}

}  // namespace catena::optim
