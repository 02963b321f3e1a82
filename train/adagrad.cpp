#include "catena/train/adagrad.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/train/optimizer_state.hpp"

namespace catena::optim {

Adagrad::Adagrad(const std::vector<Tensor>& params, AdagradOptions options, Location loc) {
  add_param_group({params, options}, loc);
}
Adagrad::Adagrad(const std::vector<Group>& groups, Location loc) { add_groups(groups, loc); }

void Adagrad::check(const AdagradOptions& o, const Location& loc) const {
  const auto fail = [&](std::string_view what) { throw_argument(kName, what, loc); };
  if (!(o.lr >= 0)) fail(fmt::format("lr is {}; expected a number >= 0", o.lr));
  if (!(o.lr_decay >= 0)) fail(fmt::format("lr_decay is {}; expected a number >= 0", o.lr_decay));
  if (!(o.weight_decay >= 0))
    fail(fmt::format("weight_decay is {}; expected a number >= 0", o.weight_decay));
  if (!(o.initial_accumulator_value >= 0))
    fail(fmt::format("initial_accumulator_value is {}; expected a number >= 0",
                     o.initial_accumulator_value));
  if (!(o.eps >= 0)) fail(fmt::format("eps is {}; expected a number >= 0", o.eps));
}

void Adagrad::visit_group(std::size_t group, detail::StateVisitor& visitor) {
  AdagradOptions& o = options(group);
  visitor.value("lr", o.lr);
  visitor.value("lr_decay", o.lr_decay);
  visitor.value("weight_decay", o.weight_decay);
  visitor.value("initial_accumulator_value", o.initial_accumulator_value);
  visitor.value("eps", o.eps);
  visitor.value("maximize", o.maximize);
}

void Adagrad::visit_param(std::size_t index, detail::StateVisitor& visitor) {
  slots_.resize(parameters().size());
  Slot& s = slots_[index];
  visitor.value("step", s.step);
  visitor.tensor("sum", s.sum);
}

void Adagrad::update(std::size_t index, std::size_t group, const Tensor& grad,
                     const Location& loc) {
  slots_.resize(parameters().size());
  const AdagradOptions& o = options(group);
  Tensor param = parameters()[index];
  Slot& s = slots_[index];
  detail::follow(s.sum, param, o.initial_accumulator_value);
  ++s.step;
  const double step_size = o.lr / (1 + static_cast<double>(s.step - 1) * o.lr_decay);

  if (detail::is_dense_cpu(param)) {
    const cpu::AdagradUpdate u{step_size, o.eps, o.weight_decay, o.maximize};
    return detail::update_dense(queue(), param, grad, loc, [&](const auto& dense) {
      dense.run(dense.kernels.adagrad, u, dense.state(s.sum));
    });
  }
  const Tensor g = detail::plain_gradient(grad, param, o.weight_decay, o.maximize);
  s.sum.add_(g * g);
  param.add_(g / (sqrt(s.sum) + o.eps), -step_size, loc);
}

}  // namespace catena::optim
