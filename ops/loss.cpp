// Shape rules, gradients and public functions of the losses.
#include "catena/ops/loss.hpp"

#include <fmt/format.h>

#include <numeric>

#include "catena/graph/thread_state.hpp"
#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/softmax.hpp"

namespace catena {
namespace {

constexpr Reduction kReductions[] = {Reduction::kMean, Reduction::kSum, Reduction::kNone};

bool find_reduction(std::string_view name, Reduction* found) {
  for (Reduction r : kReductions) {
    if (name != name_of(r)) continue;
    *found = r;
    return true;
  }
  return false;
}

std::string unknown_reduction(std::string_view name) {
  std::vector<std::string> names;
  for (Reduction r : kReductions) names.push_back(name_of(r));
  return fmt::format("unknown reduction \"{}\"; expected \"mean\", \"sum\" or \"none\"{}", name,
                     detail::near_names(name, names));
}

// The line of the call a composite is being expanded for; dispatch has put it in force.
const std::source_location& composite_location() { return detail::thread_state.call_site; }

// Checks shared by the losses that compare two tensors entry by entry.
template <class Op>
Reduction check_pair(const Op& op, const char* first, const Tensor& a, const Tensor& target) {
  const char* name = OpName<Op>::value;
  Reduction reduction;
  if (!find_reduction(op.reduction, &reduction))
    throw_argument(name, unknown_reduction(op.reduction), composite_location());
  if (!is_floating(a.dtype()))
    throw_argument(name,
                   fmt::format("{} is {}; expected float32 or float64; convert it first, e.g. with "
                               "x.to(kFloat32)",
                               first, name_of(a.dtype())),
                   composite_location());
  if (a.shape() != target.shape())
    throw_argument(
        name,
        fmt::format("{} has shape {} but target has shape {}; expected equal shapes, as a loss "
                    "does not broadcast; reshape or expand one of them",
                    first, to_string(a.shape()), to_string(target.shape())),
        composite_location());
  return reduction;
}

Tensor reduced(const Tensor& losses, Reduction reduction) {
  if (reduction == Reduction::kNone) return losses;
  return reduction == Reduction::kSum ? sum(losses) : mean(losses);
}

template <class Op>
Tensor call_loss(Reduction reduction, Operand& a, Operand& target) {
  return detail::call_op(Op{name_of(reduction)}, a, target);
}

}  // namespace

Reduction reduction_from_name(std::string_view name) {
  Reduction reduction;
  if (!find_reduction(name, &reduction))
    throw_argument("reduction", unknown_reduction(name), std::source_location{});
  return reduction;
}

const char* name_of(Reduction reduction) {
  switch (reduction) {
    case Reduction::kMean:
      return "mean";
    case Reduction::kSum:
      return "sum";
    case Reduction::kNone:
      break;
  }
  return "none";
}

namespace op {

Reduction reduction_of(const CrossEntropy& op) { return reduction_from_name(op.reduction); }

void CrossEntropy::infer(InferContext& c) const {
  Reduction kind;
  if (!find_reduction(reduction, &kind)) c.fail(unknown_reduction(reduction));
  const Shape &logits = c.shape(0), &target = c.shape(1);
  const DType target_dtype = c.dtype(1);
  if (!is_floating(c.dtype(0)))
    c.fail(
        fmt::format("logits are {}; expected float32 or float64; convert them first, e.g. with "
                    "x.to(kFloat32)",
                    name_of(c.dtype(0))));
  if (logits.rank() != 2)
    c.fail(
        fmt::format("logits have shape {}; expected [N, C], one row per sample and one column "
                    "per class; bring other layouts there with reshape",
                    to_string(logits)));
  if (logits[1] == 0)
    c.fail(fmt::format("logits have shape {}, which has no classes; expected [N, C] with C >= 1",
                       to_string(logits)));
  const auto rows = [](std::int64_t n) { return fmt::format("{} row{}", n, n == 1 ? "" : "s"); };
  const auto both = [&] {
    return fmt::format("target {}, logits {}", to_string(target), to_string(logits));
  };
  if (target_dtype == kInt32 || target_dtype == kInt64) {
    if (target.rank() != 1)
      c.fail(
          fmt::format("target holds class indices and has shape {}: {}; expected one class "
                      "index per row of logits, shape [{}]; use reshape",
                      to_string(target), both(), logits[0]));
    if (target[0] != logits[0])
      c.fail(
          fmt::format("target has {} but logits have {}: {}; expected one class index per row "
                      "of logits",
                      rows(target[0]), logits[0], both()));
  } else if (is_floating(target_dtype)) {
    if (target_dtype != c.dtype(0))
      c.fail(
          fmt::format("target is {} but logits are {}; expected class indices (int32 or int64) "
                      "or probabilities of the same dtype as logits; convert one of them",
                      name_of(target_dtype), name_of(c.dtype(0))));
    if (target.rank() == 2 && target[0] != logits[0])
      c.fail(
          fmt::format("target has {} but logits have {}: {}; expected one row of class "
                      "probabilities per row of logits",
                      rows(target[0]), logits[0], both()));
    if (target != logits)
      c.fail(
          fmt::format("target holds probabilities (it is {}) and has shape {} but logits have "
                      "{}; expected equal shapes; class indices must be int32 or int64",
                      name_of(target_dtype), to_string(target), to_string(logits)));
  } else {
    c.fail(
        fmt::format("target is {}; expected class indices (int32 or int64) or probabilities "
                    "({}, like logits)",
                    name_of(target_dtype), name_of(c.dtype(0))));
  }
  c.output(kind == Reduction::kNone ? Shape{logits[0]} : Shape{}, c.dtype(0));
  c.output(Shape{logits[0]}, c.dtype(0));
}

// With p = softmax(logits): d logits = (p sum(target) - target) g, d target = -log p g, where g is
// the gradient of each row's loss. Output 1 is not used here: it carries no derivative.
void CrossEntropy::vjp(VjpContext& c) const {
  const Tensor logits = c.input(0), target = c.input(1);
  const std::int64_t rows = logits.shape()[0], classes = logits.shape()[1];
  Tensor g = c.grad();
  switch (reduction_of(*this)) {
    case Reduction::kMean:
      g = g / static_cast<double>(rows);
      break;
    case Reduction::kSum:
      break;
    case Reduction::kNone:
      g = reshape(g, {rows, 1});
      break;
  }
  if (c.needs(0)) {
    const Tensor p = softmax(logits, 1);
    if (is_floating(target.dtype())) {
      c.accumulate(0, (p * sum(target, {1}, true) - target) * g);
    } else {
      std::vector<std::int64_t> numbers(static_cast<std::size_t>(classes));
      std::iota(numbers.begin(), numbers.end(), 0);
      const Tensor columns = tensor(numbers, {1, classes}).to(logits.device());
      const Tensor one_hot = cast(equal(reshape(target, {rows, 1}), columns), logits.dtype());
      c.accumulate(0, (p - one_hot) * g);
    }
  }
  if (c.needs(1)) c.accumulate(1, -log_softmax(logits, 1) * g);
}

Tensor MseLoss::compose(std::span<const Tensor> in) const {
  const Reduction kind = check_pair(*this, "prediction", in[0], in[1]);
  const Tensor d = in[0] - in[1];
  return reduced(d * d, kind);
}

// -|x| is written x - 2 max(x, 0): its derivative at 0 is then 1 where relu's is 0, so that the
// gradient at x = 0 is sigmoid(0) - t as it should be.
Tensor BceWithLogits::compose(std::span<const Tensor> in) const {
  const Reduction kind = check_pair(*this, "logits", in[0], in[1]);
  const Tensor &x = in[0], &t = in[1];
  const Tensor positive = relu(x);
  const Tensor minus_abs = x - positive * 2;
  return reduced(positive - x * t + log(exp(minus_abs) + 1), kind);
}

}  // namespace op

Tensor cross_entropy(Operand logits, Operand target, Reduction reduction) {
  const op::CrossEntropy op{name_of(reduction)};
  Operand* list[] = {&logits, &target};
  return std::move(
      detail::dispatch_multi(op_info<op::CrossEntropy>(), &op, list, 2, logits.location()).front());
}

Tensor mse_loss(Operand prediction, Operand target, Reduction reduction) {
  return call_loss<op::MseLoss>(reduction, prediction, target);
}

Tensor bce_with_logits(Operand logits, Operand target, Reduction reduction) {
  return call_loss<op::BceWithLogits>(reduction, logits, target);
}

}  // namespace catena
