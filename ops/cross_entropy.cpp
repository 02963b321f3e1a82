// Shape rules, gradients and public functions of the losses over classes.
#include "catena/ops/cross_entropy.hpp"

#include <fmt/format.h>

#include <limits>
#include <numeric>

#include "catena/ops/cast.hpp"
#include "catena/ops/elementwise.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/ops/shape.hpp"
#include "catena/ops/softmax.hpp"

namespace catena {
namespace {

std::string rows(std::int64_t n) { return fmt::format("{} row{}", n, n == 1 ? "" : "s"); }

bool holds_indices(DType dtype) { return dtype == kInt32 || dtype == kInt64; }

// Input 0, called `name`: [N, C] with C >= 1, floating.
void check_scores(const InferContext& c, const char* name) {
  const Shape& shape = c.shape(0);
  if (!is_floating(c.dtype(0)))
    c.fail(
        fmt::format("{} are {}; expected float32 or float64; convert them first, e.g. with "
                    "x.to(kFloat32)",
                    name, name_of(c.dtype(0))));
  if (shape.rank() != 2)
    c.fail(
        fmt::format("{} have shape {}; expected [N, C], one row per sample and one column "
                    "per class; bring other layouts there with reshape",
                    name, to_string(shape)));
  if (shape[1] == 0)
    c.fail(fmt::format("{} have shape {}, which has no classes; expected [N, C] with C >= 1", name,
                       to_string(shape)));
}

void check_indices(const InferContext& c, const char* name) {
  const Shape &scores = c.shape(0), &target = c.shape(1);
  const std::string both =
      fmt::format("target {}, {} {}", to_string(target), name, to_string(scores));
  if (target.rank() != 1)
    c.fail(
        fmt::format("target holds class indices and has shape {}: {}; expected one class "
                    "index per row of {}, shape [{}]; use reshape",
                    to_string(target), both, name, scores[0]));
  if (target[0] != scores[0])
    c.fail(fmt::format("target has {} but {} have {}: {}; expected one class index per row of {}",
                       rows(target[0]), name, scores[0], both, name));
}

void check_probabilities(const InferContext& c) {
  const Shape &logits = c.shape(0), &target = c.shape(1);
  const DType dtype = c.dtype(1);
  if (dtype != c.dtype(0))
    c.fail(
        fmt::format("target is {} but logits are {}; expected class indices (int32 or int64) "
                    "or probabilities of the same dtype as logits; convert one of them",
                    name_of(dtype), name_of(c.dtype(0))));
  if (target.rank() == 2 && target[0] != logits[0])
    c.fail(
        fmt::format("target has {} but logits have {}: target {}, logits {}; expected one row of "
                    "class probabilities per row of logits",
                    rows(target[0]), logits[0], to_string(target), to_string(logits)));
  if (target != logits)
    c.fail(
        fmt::format("target holds probabilities (it is {}) and has shape {} but logits have "
                    "{}; expected equal shapes; class indices must be int32 or int64",
                    name_of(dtype), to_string(target), to_string(logits)));
}

void check_weight(const InferContext& c) {
  if (c.num_inputs() < 3) return;
  const std::int64_t classes = c.shape(0)[1];
  if (c.shape(2) != Shape{classes})
    c.fail(
        fmt::format("weight has shape {} but there are {} classes; expected one weight per "
                    "class, shape [{}]",
                    to_string(c.shape(2)), classes, classes));
  if (c.dtype(2) != c.dtype(0))
    c.fail(fmt::format("weight is {}; expected {}, like the scores; convert it with to(dtype)",
                       name_of(c.dtype(2)), name_of(c.dtype(0))));
}

Reduction check_reduction(const InferContext& c, const std::string& name) {
  Reduction kind = Reduction::kMean;
  if (!detail::find_reduction(name, &kind)) c.fail(detail::unknown_reduction(name));
  return kind;
}

// 1 in the column of the row's target, else 0; a row of zeros where the target is no class, which
// the op one_hot would refuse.
Tensor hits_of(const Tensor& target, std::int64_t classes, DType dtype) {
  std::vector<std::int64_t> numbers(static_cast<std::size_t>(classes));
  std::iota(numbers.begin(), numbers.end(), 0);
  const Tensor columns = tensor(numbers, {1, classes}).to(target.device());
  return cast(equal(reshape(target, {target.numel(), 1}), columns), dtype);
}

// What both gradients are made of. With the parts q of the classes in each row's loss
// sum_c w_c q_c l_c and the gradient g of the losses: the gradient of l is w q g, that of w is
// sum_n q l g; the mean also divides by D = sum_n w[target[n]], a function of w.
struct ClassLoss {
  Tensor q;        // [N, C], a row of zeros where a target is ignored
  Tensor counted;  // [N, C], what D counts: one-hot targets; undefined where D is N
  Tensor weight;   // [1, C], or undefined
  Tensor g;        // [N, 1] or 0-d, with D taken in; 0 in rows ignored
  bool mean = false;

  ClassLoss(VjpContext& c, Reduction reduction, Tensor parts, Tensor targets)
      : q(std::move(parts)), counted(std::move(targets)), g(c.grad()) {
    const std::int64_t n = q.shape()[0];
    if (c.num_inputs() > 2) weight = reshape(c.input(2), {1, q.shape()[1]});
    mean = reduction == Reduction::kMean;
    if (reduction == Reduction::kNone) g = reshape(g, {n, 1});
    if (!mean) return;
    if (counted.defined()) {
      g = where(sum(counted, {1}, true) == 0, 0, g / divisor());
    } else {
      g = g / static_cast<double>(n);
    }
  }

  Tensor weighted(const Tensor& parts) const { return weight.defined() ? parts * weight : parts; }

  // D. Where weights of rows that count add up to 0 the mean is NaN, and so is its gradient; no
  // gradient flows where no row counts.
  Tensor divisor() const {
    const Tensor total = sum(weighted(counted));
    const double nan = std::numeric_limits<double>::quiet_NaN();
    return where(sum(counted) == 0, 1, where(total == 0, nan, total));
  }

  // Given l [N, C], of which entries with q = 0 do not count, infinite or not.
  Tensor weight_gradient(const Tensor& l) const {
    const Tensor none = q == 0;
    Tensor d = sum(where(none, 0, q * l * g), {0});
    if (mean && counted.defined()) {
      const Tensor loss = sum(where(none, 0, weighted(q * l))) / divisor();
      d = d - sum(where(counted == 0, 0, g * loss), {0});
    }
    return d;
  }
};

}  // namespace

namespace op {

Reduction reduction_of(const CrossEntropy& op) { return reduction_from_name(op.reduction); }
Reduction reduction_of(const NllLoss& op) { return reduction_from_name(op.reduction); }

void CrossEntropy::infer(InferContext& c) const {
  const Reduction kind = check_reduction(c, reduction);
  check_scores(c, "logits");
  if (holds_indices(c.dtype(1)))
    check_indices(c, "logits");
  else if (is_floating(c.dtype(1)))
    check_probabilities(c);
  else
    c.fail(
        fmt::format("target is {}; expected class indices (int32 or int64) or probabilities "
                    "({}, like logits)",
                    name_of(c.dtype(1)), name_of(c.dtype(0))));
  check_weight(c);
  if (!(label_smoothing >= 0 && label_smoothing <= 1))
    c.fail(fmt::format("label_smoothing is {}; expected 0 to 1", label_smoothing));
  const std::int64_t n = c.shape(0)[0];
  c.output(kind == Reduction::kNone ? Shape{n} : Shape{}, c.dtype(0));
  c.output(Shape{n, 2}, c.dtype(0));
}

// With p = softmax(logits): d logits = (p sum(w q) - w q) g, d target = -log p w g. Output 1 is not
// used here: it carries no derivative.
void CrossEntropy::vjp(VjpContext& c) const {
  const Tensor logits = c.input(0), target = c.input(1);
  const std::int64_t classes = logits.shape()[1];
  const bool indices = holds_indices(target.dtype());
  const double even = label_smoothing / static_cast<double>(classes);
  Tensor counted, q = target;
  if (indices) {
    const Tensor used =
        cast(not_equal(target, full({}, ignore_index, {target.dtype(), target.device()})),
             logits.dtype());
    const Tensor rows_used = reshape(used, {target.numel(), 1});
    q = counted = hits_of(target, classes, logits.dtype()) * rows_used;
    if (label_smoothing != 0) q = q * (1 - label_smoothing) + rows_used * even;
  } else if (label_smoothing != 0) {
    q = q * (1 - label_smoothing) + even;
  }
  const ClassLoss loss(c, reduction_of(*this), q, counted);
  if (c.needs(0)) {
    const Tensor wq = loss.weighted(q);
    c.accumulate(0, (softmax(logits, 1) * sum(wq, {1}, true) - wq) * loss.g);
  }
  if (!c.needs(1) && !(c.num_inputs() > 2 && c.needs(2))) return;
  const Tensor l = -log_softmax(logits, 1);
  if (c.needs(1)) c.accumulate(1, loss.weighted(l) * (loss.g * (1 - label_smoothing)));
  if (c.num_inputs() > 2 && c.needs(2)) c.accumulate(2, loss.weight_gradient(l));
}

void NllLoss::infer(InferContext& c) const {
  const Reduction kind = check_reduction(c, reduction);
  check_scores(c, "log_probabilities");
  if (!holds_indices(c.dtype(1)))
    c.fail(
        fmt::format("target is {}; expected class indices (int32 or int64)", name_of(c.dtype(1))));
  check_indices(c, "log_probabilities");
  check_weight(c);
  c.output(kind == Reduction::kNone ? Shape{c.shape(0)[0]} : Shape{}, c.dtype(0));
}

void NllLoss::vjp(VjpContext& c) const {
  const Tensor x = c.input(0), target = c.input(1);
  const Tensor used =
      cast(not_equal(target, full({}, ignore_index, {target.dtype(), target.device()})), x.dtype());
  const Tensor q = hits_of(target, x.shape()[1], x.dtype()) * reshape(used, {target.numel(), 1});
  const ClassLoss loss(c, reduction_of(*this), q, q);
  if (c.needs(0)) c.accumulate(0, where(q == 0, 0, -loss.weighted(q) * loss.g));
  if (c.num_inputs() > 2 && c.needs(2)) c.accumulate(2, loss.weight_gradient(-x));
}

}  // namespace op

namespace {

// Calls `op` with the weight when there is one; its first output.
template <class Op>
Tensor call_rows(const Op& op, Operand& scores, Operand& target, const Tensor& weight) {
  Operand third(weight, scores.location());
  Operand* list[] = {&scores, &target, &third};
  return std::move(
      detail::dispatch_multi(op_info<Op>(), &op, list, weight.defined() ? 3 : 2, scores.location())
          .front());
}

// [N, C, d1, ...] as [N d1 ..., C].
Tensor as_rows(const Tensor& x, const std::source_location& loc) {
  Shape dims{0};
  for (int d = 2; d < x.rank(); ++d) dims.push_back(d);
  dims.push_back(1);
  return reshape(Operand(permute(Operand(x, loc), dims), loc), {-1, x.shape()[1]});
}

// The same with the scores of positions [N, C, d1, ...].
template <class Op>
Tensor call_class_loss(const Op& op, Operand& scores, Operand& target, const Tensor& weight) {
  const bool positions_missing =
      !scores.impl() || !target.impl() || scores.impl()->shape.size() <= 2;
  if (positions_missing) return call_rows(op, scores, target, weight);
  const Tensor x = scores.tensor(), t = target.tensor();
  const std::source_location& loc = scores.location();
  Shape positions = x.shape();
  positions.erase(1);
  const bool indices = !is_floating(t.dtype());
  if (t.shape() != (indices ? positions : x.shape()))
    throw_argument(OpName<Op>::value,
                   fmt::format("scores have shape {}, [N, C, d1, ...], and target has {}; expected "
                               "class indices {}{}",
                               to_string(x.shape()), to_string(t.shape()), to_string(positions),
                               indices ? "" : " or probabilities of the shape of the scores"),
                   loc);
  Operand rows(as_rows(x, loc), loc);
  Operand row_targets(indices ? reshape(Operand(t, loc), {-1}) : as_rows(t, loc), loc);
  const Tensor loss = call_rows(op, rows, row_targets, weight);
  return loss.rank() == 0 ? loss : reshape(Operand(loss, loc), positions);
}

}  // namespace

Tensor cross_entropy(Operand logits, Operand target, Reduction reduction) {
  return call_class_loss(op::CrossEntropy{name_of(reduction)}, logits, target, {});
}

Tensor cross_entropy(Operand logits, Operand target, const CrossEntropyOptions& options) {
  const op::CrossEntropy op{name_of(options.reduction), options.ignore_index,
                            options.label_smoothing};
  return call_class_loss(op, logits, target, options.weight);
}

Tensor nll_loss(Operand log_probabilities, Operand target, Reduction reduction) {
  return call_class_loss(op::NllLoss{name_of(reduction)}, log_probabilities, target, {});
}

Tensor nll_loss(Operand log_probabilities, Operand target, const NllOptions& options) {
  const op::NllLoss op{name_of(options.reduction), options.ignore_index};
  return call_class_loss(op, log_probabilities, target, options.weight);
}

}  // namespace catena
