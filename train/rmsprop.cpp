#include "catena/train/rmsprop.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

RMSprop::RMSprop(const std::vector<Tensor>& params, RMSpropOptions options, Location loc) {
  add_param_group({params, options}, loc);
}
RMSprop::RMSprop(const std::vector<Group>& groups, Location loc) { add_groups(groups, loc); }

void RMSprop::check(const RMSpropOptions& o, const Location& loc) const {
  const auto fail = [&](std::string_view what) { throw_argument(kName, what, loc); };
  if (!(o.lr >= 0)) fail(fmt::format("lr is {}; expected a number >= 0", o.lr));
  if (!(o.alpha >= 0 && o.alpha <= 1))
    fail(fmt::format("alpha is {}; expected a number in [0, 1]", o.alpha));
  if (!(o.eps >= 0)) fail(fmt::format("eps is {}; expected a number >= 0", o.eps));
  if (!(o.weight_decay >= 0))
    fail(fmt::format("weight_decay is {}; expected a number >= 0", o.weight_decay));
  if (!(o.momentum >= 0)) fail(fmt::format("momentum is {}; expected a number >= 0", o.momentum));
}

void RMSprop::visit_group(std::size_t group, detail::StateVisitor& visitor) {
  RMSpropOptions& o = options(group);
  visitor.value("lr", o.lr);
  visitor.value("alpha", o.alpha);
  visitor.value("eps", o.eps);
  visitor.value("weight_decay", o.weight_decay);
  visitor.value("momentum", o.momentum);
  visitor.value("centered", o.centered);
  visitor.value("maximize", o.maximize);
}

void RMSprop::visit_param(std::size_t index, detail::StateVisitor& visitor) {
  slots_.resize(parameters().size());
  Slot& s = slots_[index];
  visitor.tensor("square_avg", s.square_avg);
  visitor.tensor("grad_avg", s.grad_avg);
  visitor.tensor("momentum_buffer", s.momentum_buffer);
}

void RMSprop::update(std::size_t index, std::size_t group, const Tensor& grad,
                     const Location& loc) {
  slots_.resize(parameters().size());
  const RMSpropOptions& o = options(group);
  Tensor param = parameters()[index];
  Slot& s = slots_[index];
  detail::follow(s.square_avg, param);
  if (o.centered) detail::follow(s.grad_avg, param);
  if (o.momentum != 0) detail::follow(s.momentum_buffer, param);

  if (detail::is_dense_cpu(param)) {
    const cpu::RmsPropUpdate u{o.lr, o.alpha, o.eps, o.weight_decay, o.momentum, o.maximize};
    return detail::update_dense(queue(), param, grad, loc, [&](const auto& dense) {
      dense.run(dense.kernels.rmsprop, u, dense.state(s.square_avg),
                dense.state(o.centered ? s.grad_avg : Tensor()),
                dense.state(o.momentum != 0 ? s.momentum_buffer : Tensor()));
    });
  }
  const Tensor g = detail::plain_gradient(grad, param, o.weight_decay, o.maximize);
  s.square_avg.mul_(o.alpha).add_(g * g, 1 - o.alpha);
  Tensor square = s.square_avg;
  if (o.centered) {
    s.grad_avg.add_(g - s.grad_avg, 1 - o.alpha);
    square = square - s.grad_avg * s.grad_avg;
  }
  Tensor step = g / (sqrt(square) + o.eps);
  if (o.momentum != 0) step = s.momentum_buffer.mul_(o.momentum).add_(step);
  param.add_(step, -o.lr, loc);
}

}  // namespace catena::optim
