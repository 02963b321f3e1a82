#include "catena/ops/group_norm.hpp"

#include "catena/ops/normalization.hpp"
#include "catena/ops/normalization_rules.hpp"
#include "catena/ops/reduction.hpp"

namespace catena {
namespace op {

void GroupNorm::infer(InferContext& c) const {
  detail::expect_floating(c);
  const Shape& x = c.shape(0);
  if (x.rank() < 2)
    c.fail(fmt::format("x has shape {}; expected [N, C] or [N, C, ...]", to_string(x)));
  if (num_groups < 1 || x[1] % num_groups != 0)
    c.fail(
        fmt::format("num_groups is {} for the {} channels of x {}; expected a positive divisor "
                    "of their number",
                    num_groups, x[1], to_string(x)));
  detail::expect_affine(c, {x[1]});
  c.output(x, c.dtype(0));
  c.output({x[0], num_groups}, c.dtype(0));
  c.output({x[0], num_groups}, c.dtype(0));
}

// As [N, groups, channels of a group, ...].
void GroupNorm::vjp(VjpContext& c) const {
  const Shape x = c.grad().shape();
  Shape view{x[0], num_groups, x[1] / num_groups}, affine{num_groups, x[1] / num_groups}, over{2};
  for (int d = 2; d < x.rank(); ++d) {
    view.push_back(x[d]);
    affine.push_back(1);
    over.push_back(d + 1);
  }
  detail::normalization_vjp(c, {view, over, affine, eps, true});
}

}  // namespace op

Tensor group_norm(Operand x, std::int64_t num_groups, const Tensor& weight, const Tensor& bias,
                  double eps) {
  const Shape features{x.impl() && x.impl()->shape.rank() > 1 ? x.impl()->shape[1] : 0};
  return std::move(
      detail::call_affine(op::GroupNorm{num_groups, eps}, x, features, weight, bias).front());
}

Tensor instance_norm(Operand x, const Tensor& running_mean, const Tensor& running_var,
                     const Tensor& weight, const Tensor& bias, bool use_input_stats,
                     double momentum, double eps) {
  const std::source_location location = x.location();
  const auto fail = [&](const std::string& what) {
    throw_argument("instance_norm", what, location);
  };
  const Tensor input = x.tensor();
  if (!input.defined()) fail("x is an undefined tensor; give it a value first");
  const Shape& shape = input.shape();
  if (shape.rank() < 3)
    fail(fmt::format("x has shape {}; expected [N, C, L] or [N, C, ...]", to_string(shape)));
  if (!is_floating(input.dtype())) fail(detail::not_floating("x", input.dtype()));
  const auto check = [&](const char* name, const Tensor& vector) {
    detail::check_per_feature("instance_norm", name, vector, input, location);
  };
  check("running_mean", running_mean);
  check("running_var", running_var);
  check("weight", weight);
  check("bias", bias);
  if (!use_input_stats) {
    if (!running_mean.defined() || !running_var.defined())
      fail("no running_mean or running_var to use; expected both; give them, or use_input_stats");
    return batch_norm(Operand(input, location), running_mean, running_var, weight, bias, false,
                      momentum, eps);
  }
  std::int64_t line = 1;
  for (int d = 2; d < shape.rank(); ++d) line *= shape[d];
  if (line == 1)
    fail(
        fmt::format("x has shape {}, one value per channel; expected two values or more, as one "
                    "has no variance; use a larger input or running statistics",
                    to_string(shape)));
  if (shape[1] == 0) return input;
  std::vector<Tensor> out =
      detail::call_affine(op::GroupNorm{shape[1], eps}, x, {shape[1]}, weight, bias);
  if (running_mean.defined() || running_var.defined()) {
    const double n = static_cast<double>(line);
    detail::move_towards(running_mean, mean(out[1], {0}), momentum, 1, location);
    detail::move_towards(running_var, mean(out[2], {0}), momentum, n / (n - 1), location);
  }
  return std::move(out[0]);
}

}  // namespace catena
