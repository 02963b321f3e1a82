#include "catena/train/sgd.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

SGD::SGD(const std::vector<Tensor>& params, SGDOptions options, Location loc) {
  add_param_group({params, options}, loc);
}
SGD::SGD(const std::vector<Group>& groups, Location loc) { add_groups(groups, loc); }

void SGD::check(const SGDOptions& o, const Location& loc) const {
  const auto fail = [&](std::string_view what) { throw_argument(kName, what, loc); };
  if (!(o.lr >= 0)) fail(fmt::format("lr is {}; expected a number >= 0", o.lr));
  if (!(o.momentum >= 0)) fail(fmt::format("momentum is {}; expected a number >= 0", o.momentum));
  if (!(o.weight_decay >= 0))
    fail(fmt::format("weight_decay is {}; expected a number >= 0", o.weight_decay));
  if (o.nesterov && (o.momentum <= 0 || o.dampening != 0))
    fail(
        fmt::format("nesterov with momentum {} and dampening {}; expected momentum > 0 and "
                    "dampening 0",
                    o.momentum, o.dampening));
}

void SGD::visit_group(std::size_t group, detail::StateVisitor& visitor) {
  SGDOptions& o = options(group);
  visitor.value("lr", o.lr);
  visitor.value("momentum", o.momentum);
  visitor.value("dampening", o.dampening);
  visitor.value("weight_decay", o.weight_decay);
  visitor.value("nesterov", o.nesterov);
  visitor.later_value("maximize", o.maximize);
}

void SGD::visit_param(std::size_t index, detail::StateVisitor& visitor) {
  momentum_buffers_.resize(parameters().size());
  visitor.tensor("momentum_buffer", momentum_buffers_[index]);
}

void SGD::update(std::size_t index, std::size_t group, const Tensor& grad, const Location& loc) {
  momentum_buffers_.resize(parameters().size());
  const SGDOptions& o = options(group);
  Tensor param = parameters()[index];
  Tensor& buffer = momentum_buffers_[index];
  const bool first = o.momentum != 0 && !buffer.defined();
  if (o.momentum != 0) detail::follow(buffer, param);
  if (detail::is_dense_cpu(param)) {
    const cpu::SgdUpdate u{o.lr,       o.momentum, o.dampening, o.weight_decay,
                           o.nesterov, first,      o.maximize};
    return detail::update_dense(queue(), param, grad, loc, [&](const auto& dense) {
      dense.run(dense.kernels.sgd, u, dense.state(o.momentum != 0 ? buffer : Tensor()));
    });
  }
  Tensor g = detail::plain_gradient(grad, param, o.weight_decay, o.maximize);
  if (o.momentum != 0) {
    if (first)
      buffer.copy_(g);
    else
      buffer.mul_(o.momentum).add_(g, 1 - o.dampening);
    g = o.nesterov ? g + buffer * o.momentum : buffer;
  }
  param.add_(g, -o.lr, loc);
}

}  // namespace catena::optim
