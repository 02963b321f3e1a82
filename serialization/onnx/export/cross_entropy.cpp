#include "catena/ops/cross_entropy.hpp"

#include "catena/serialization/onnx/export/emitter.hpp"

namespace catena::onnx_export {
namespace {

// Indices as 1 in their column, rows of ignored ones 0; and which rows count, [N, 1].
struct Targets {
  Value hits, counts;
};
Targets targets_of(Emitter& e, const Value& x, const Value& target, std::int64_t ignore_index) {
  const Value index = e.unsqueeze(e.cast(target, kInt64), 1);
  const Value classes = e.unsqueeze(e.counting(x.size(1)), 0);
  const Value counts = e.cast(
      e.unary("Not",
              e.compare("Equal", index, e.number(static_cast<double>(ignore_index), kInt64))),
      x.dtype);
  const Value hits = e.cast(e.compare("Equal", index, classes), x.dtype);
  return {e.mul(hits, counts), counts};
}

}  // namespace

void export_op(Emitter& e, const op::CrossEntropy& op) {
  const Value &x = e.in(0), &target = e.in(1), &weight = e.in(2);
  const bool indices = !is_floating(target.dtype);
  if (indices && op.label_smoothing == 0) {
    e.result(e.node("SoftmaxCrossEntropyLoss", {x, target, weight}, x.dtype, e.out().shape,
                    {{"ignore_index", op.ignore_index}, {"reduction", op.reduction}}));
  } else {
    Value q = target, hits;
    if (indices) {
      const Targets t = targets_of(e, x, target, op.ignore_index);
      q = hits = t.hits;
      const Value even = e.div(e.like(x, op.label_smoothing), e.cast(e.scalar(x.size(1)), x.dtype));
      q = e.add(e.mul(q, e.like(x, 1 - op.label_smoothing)), e.mul(t.counts, even));
    } else if (op.label_smoothing != 0) {
      const Value even = e.div(e.like(x, op.label_smoothing), e.cast(e.scalar(x.size(1)), x.dtype));
      q = e.add(e.mul(q, e.like(x, 1 - op.label_smoothing)), even);
    }
    if (weight) q = e.mul(q, weight);
    const Value log_p = e.unary("LogSoftmax", x, {{"axis", 1}});
    // What has no part in the target adds nothing, infinite or not.
    const Value part = e.where(e.compare("Equal", q, e.like(q, 0)), e.like(q, 0), e.mul(q, log_p));
    const Value losses = e.unary("Neg", e.reduce("ReduceSum", part, {1}, false));
    if (op.reduction == "none") {
      e.result(losses);
    } else {
      const Value total = e.reduce("ReduceSum", losses, {0}, false);
      if (op.reduction == "sum") {
        e.result(total);
      } else if (indices) {
        const Value counted = weight ? e.mul(hits, weight) : hits;
        e.result(e.div(total, e.reduce("ReduceSum", counted, {0, 1}, false)));
      } else {
        e.result(e.div(total, e.cast(e.scalar(x.size(0)), x.dtype)));
      }
    }
  }
  if (!e.used(1)) return;
  const Value largest = e.reduce("ReduceMax", x, {1}, true);
  const Value rest = e.reduce("ReduceLogSumExp", e.sub(x, largest), {1}, true);
  e.result(e.concat({largest, rest}, 1), 1);
}

void export_op(Emitter& e, const op::NllLoss& op) {
  const Value &x = e.in(0), &target = e.in(1), &weight = e.in(2);
  e.result(e.node("NegativeLogLikelihoodLoss", {x, target, weight}, x.dtype, e.out().shape,
                  {{"ignore_index", op.ignore_index}, {"reduction", op.reduction}}));
}

}  // namespace catena::onnx_export
