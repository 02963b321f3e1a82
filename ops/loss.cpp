// The losses over two tensors, made of other ops, and their public functions.
#include "catena/ops/loss.hpp"

#include <limits>

#include "catena/ops/composite.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/math.hpp"

namespace catena {
namespace {

using detail::fail;
using detail::reduced;

// Checks shared by the losses that compare two tensors entry by entry.
template <class Op>
Reduction check_pair(const Op& op, const char* first, const Tensor& a, const Tensor& target) {
  const Reduction reduction = detail::checked_reduction(op);
  if (!is_floating(a.dtype())) fail(op, detail::not_floating(first, a.dtype()));
  if (a.shape() != target.shape())
    fail(op,
         fmt::format("{} has shape {} but target has shape {}; expected equal shapes, as a loss "
                     "does not broadcast; reshape or expand one of them",
                     first, to_string(a.shape()), to_string(target.shape())));
  return reduction;
}

// A weight of entries fits the tensor called `first`.
template <class Op>
void check_weight(const Op& op, const char* name, const Tensor& weight, const char* first,
                  const Tensor& x) {
  Shape joined;
  if (!broadcast_shapes(x.shape(), weight.shape(), &joined) || joined != x.shape())
    fail(op, fmt::format("{} has shape {}; expected one that broadcasts to the {}, {}", name,
                         to_string(weight.shape()), first, to_string(x.shape())));
  if (weight.dtype() != x.dtype())
    fail(op, fmt::format("{} is {}; expected {}, like the {}; convert it with to(dtype)", name,
                         name_of(weight.dtype()), name_of(x.dtype()), first));
}

// The losses entry by entry. Their own functions, so that the handles of what they are made of are
// gone when they are reduced.

Tensor squared_difference(const Tensor& a, const Tensor& b) {
  const Tensor d = a - b;
  return d * d;
}

// d^2 / 2 for |d| up to `limit`, then on along the tangents. Written so that no branch is infinite.
Tensor quadratic_then_linear(const Tensor& a, const Tensor& b, double limit) {
  const Tensor d = a - b, inner = clamp(d, -limit, limit);
  return inner * (d - inner * 0.5);
}

// -|x| is written x - 2 max(x, 0): its derivative at 0 is then 1 where relu's is 0, so that the
// gradient at x = 0 is sigmoid(0) - t as it should be.
Tensor minus_abs(const Tensor& x, const Tensor& positive) { return x - positive * 2; }

Tensor logistic_loss(const Tensor& x, const Tensor& t) {
  const Tensor positive = relu(x);
  return positive - x * t + log1p(exp(minus_abs(x, positive)));
}
// With a weight w of the positive part: (1 - t) x + s log(1 + e^-x), s = w t + (1 - t). Where t is
// 0 or 1, what cancels does so exactly.
Tensor logistic_loss(const Tensor& x, const Tensor& t, const Tensor& w) {
  const Tensor positive = relu(x), hit = w * t, s = hit + (1 - t);
  return positive * s - x * hit + log1p(exp(minus_abs(x, positive))) * s;
}

// t (log t - x) with 0 log 0 = 0, whatever x is.
Tensor divergence(const Tensor& x, const Tensor& t) {
  const Tensor none = t == 0;
  return where(none, 0, t * (log(where(none, 1, t)) - x));
}
Tensor divergence_of_logarithms(const Tensor& x, const Tensor& t) {
  const Tensor none = t == -std::numeric_limits<double>::infinity();
  return where(none, 0, exp(t) * (where(none, 0, t) - x));
}

}  // namespace

namespace op {

Tensor MseLoss::compose(std::span<const Tensor> in) const {
  const Reduction kind = check_pair(*this, "prediction", in[0], in[1]);
  return reduced(squared_difference(in[0], in[1]), kind);
}

Tensor MaeLoss::compose(std::span<const Tensor> in) const {
  const Reduction kind = check_pair(*this, "prediction", in[0], in[1]);
  return reduced(abs(in[0] - in[1]), kind);
}

Tensor HuberLoss::compose(std::span<const Tensor> in) const {
  const Reduction kind = check_pair(*this, "prediction", in[0], in[1]);
  if (!(delta > 0)) fail(*this, fmt::format("delta is {}; expected a number above 0", delta));
  return reduced(quadratic_then_linear(in[0], in[1], delta), kind);
}

Tensor SmoothL1Loss::compose(std::span<const Tensor> in) const {
  const Reduction kind = check_pair(*this, "prediction", in[0], in[1]);
  if (!(beta >= 0)) fail(*this, fmt::format("beta is {}; expected 0 or more", beta));
  return reduced(beta == 0 ? abs(in[0] - in[1]) : quadratic_then_linear(in[0], in[1], beta) / beta,
                 kind);
}

Tensor BceLoss::compose(std::span<const Tensor> in) const {
  const Reduction kind = check_pair(*this, "probability", in[0], in[1]);
  if (in.size() == 3) check_weight(*this, "weight", in[2], "probability", in[0]);
  Tensor loss = binary_cross_entropy(in[0], in[1]);
  if (in.size() == 3) loss = loss * in[2];
  return reduced(std::move(loss), kind);
}

Tensor BceWithLogits::compose(std::span<const Tensor> in) const {
  const Reduction kind = check_pair(*this, "logits", in[0], in[1]);
  const Tensor &x = in[0], &t = in[1];
  for (std::size_t i = 2; i < in.size(); ++i)
    check_weight(*this, i == 2 ? "weight" : "pos_weight", in[i], "logits", x);
  Tensor loss = in.size() < 4 ? logistic_loss(x, t) : logistic_loss(x, t, in[3]);
  if (in.size() > 2) loss = loss * in[2];
  return reduced(std::move(loss), kind);
}

Tensor KlDiv::compose(std::span<const Tensor> in) const {
  const Reduction kind = check_pair(*this, "log_probabilities", in[0], in[1]);
  const Tensor &x = in[0], &t = in[1];
  if (log_target) return reduced(divergence_of_logarithms(x, t), kind);
  if (!is_floating(t.dtype()))
    fail(*this, fmt::format("target is {}; expected probabilities of dtype {}", name_of(t.dtype()),
                            name_of(x.dtype())));
  return reduced(divergence(x, t), kind);
}

Tensor HingeLoss::compose(std::span<const Tensor> in) const {
  const Reduction kind = check_pair(*this, "prediction", in[0], in[1]);
  return reduced(relu(margin - in[0] * in[1]), kind);
}

}  // namespace op

#define CATENA_LOSS(name, Struct, first)                                   \
  Tensor name(Operand first, Operand target, Reduction reduction) {        \
    return detail::call_op(op::Struct{name_of(reduction)}, first, target); \
  }
#define CATENA_LOSS_WITH(name, Struct, first, type, attribute)                        \
  Tensor name(Operand first, Operand target, Reduction reduction, type attribute) {   \
    return detail::call_op(op::Struct{name_of(reduction), attribute}, first, target); \
  }
CATENA_LOSS(mse_loss, MseLoss, prediction)
CATENA_LOSS(mae_loss, MaeLoss, prediction)
CATENA_LOSS_WITH(huber_loss, HuberLoss, prediction, double, delta)
CATENA_LOSS_WITH(smooth_l1_loss, SmoothL1Loss, prediction, double, beta)
CATENA_LOSS_WITH(kl_div, KlDiv, log_probabilities, bool, log_target)
CATENA_LOSS_WITH(hinge_loss, HingeLoss, prediction, double, margin)
#undef CATENA_LOSS
#undef CATENA_LOSS_WITH

Tensor bce_loss(Operand probability, Operand target, Reduction reduction, const Tensor& weight) {
  const op::BceLoss op{name_of(reduction)};
  if (!weight.defined()) return detail::call_op(op, probability, target);
  Operand third(weight, probability.location());
  Operand* list[] = {&probability, &target, &third};
  return detail::dispatch(op_info<op::BceLoss>(), &op, list, 3, probability.location());
}

Tensor bce_with_logits(Operand logits, Operand target, Reduction reduction, const Tensor& weight,
                       const Tensor& pos_weight) {
  const op::BceWithLogits op{name_of(reduction)};
  const bool second_alone = pos_weight.defined() && !weight.defined();
  const Tensor first = second_alone ? ones({}, {pos_weight.dtype(), pos_weight.device()}) : weight;
  Operand third(first, logits.location());
  Operand fourth(pos_weight, logits.location());
  Operand* list[] = {&logits, &target, &third, &fourth};
  const int n = pos_weight.defined() ? 4 : weight.defined() ? 3 : 2;
  return detail::dispatch(op_info<op::BceWithLogits>(), &op, list, n, logits.location());
}

}  // namespace catena
