// Losses over classes: of logits, and of log-probabilities.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

#include <string>

#include "catena/ops/loss_reduction.hpp"

namespace catena {
namespace op {

// -sum_c w_c q_c log softmax(logits)_c, logits [N, C], weight w [C] (ones when left out). Targets
// are class indices (int32 or int64, [N]) or probabilities (floating, [N, C]); q is the target
// distribution, of which label_smoothing spreads that part evenly over the classes. A row whose
// index is ignore_index counts nowhere. The mean over indices divides by the sum of the targets'
// weights, over probabilities by N. Stable for any logits. Output 1, [N, 2], is kept for the
// gradient: of each row the largest logit m and log sum e^(x - m).
struct CrossEntropy {
  std::string reduction = "mean";
  std::int64_t ignore_index = -100;
  double label_smoothing = 0;
  static constexpr const char* kFormula =
      "y = mean_n(-sum_c weight[c] target[n, c] log softmax(logits[n])[c])";
  static constexpr std::uint32_t kVersion = 2;
  static constexpr std::tuple kAttrs{
      Attr{"reduction", &CrossEntropy::reduction, kReductionDoc},
      Attr{"ignore_index", &CrossEntropy::ignore_index, "the class index of rows left out"},
      Attr{"label_smoothing", &CrossEntropy::label_smoothing, "the part spread over all classes"}};
  static constexpr Inputs kInputs{"logits", "target", "weight?"};
  static constexpr int kNumOutputs = 2;
  static constexpr std::uint32_t kNoGradOutputs = 2;
  static constexpr Saves kSaves = Saves::inputs(0, 1, 2) | Saves::output();
  static constexpr OnnxRow kOnnx = OnnxRow::op("SoftmaxCrossEntropyLoss");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// -weight[target] log_probabilities[target], log_probabilities [N, C], target [N] of class indices;
// reduced as cross_entropy is.
struct NllLoss {
  std::string reduction = "mean";
  std::int64_t ignore_index = -100;
  static constexpr const char* kFormula =
      "y = mean_n(-weight[target[n]] log_probabilities[n, target[n]])";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"reduction", &NllLoss::reduction, kReductionDoc},
      Attr{"ignore_index", &NllLoss::ignore_index, "the class index of rows left out"}};
  static constexpr Inputs kInputs{"log_probabilities", "target", "weight?"};
  static constexpr Saves kSaves = Saves::inputs(0, 1, 2);
  static constexpr OnnxRow kOnnx = OnnxRow::op("NegativeLogLikelihoodLoss");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The attribute of a checked op as a value; for kernels, which cannot look into strings.
Reduction reduction_of(const CrossEntropy& op);
Reduction reduction_of(const NllLoss& op);

}  // namespace op

// Losses over logits, or log-probabilities, [N, C] with class indices [N], or [N, C, d1, ...] with
// [N, d1, ...], each position a row; cross_entropy takes probabilities of the logits' shape as
// well. A scalar, or with Reduction::kNone one loss per row; PyTorch's weights, averages and
// defaults. Errors: shapes or dtypes that do not fit; a class index outside [0, C) that is not
// ignore_index; label_smoothing outside [0, 1].
struct CrossEntropyOptions {
  Reduction reduction = Reduction::kMean;
  Tensor weight;  // per class
  std::int64_t ignore_index = -100;
  double label_smoothing = 0;
};
struct NllOptions {
  Reduction reduction = Reduction::kMean;
  Tensor weight;  // per class
  std::int64_t ignore_index = -100;
};
Tensor cross_entropy(Operand logits, Operand target, Reduction reduction = Reduction::kMean);
Tensor cross_entropy(Operand logits, Operand target, const CrossEntropyOptions& options);
Tensor nll_loss(Operand log_probabilities, Operand target, Reduction reduction = Reduction::kMean);
Tensor nll_loss(Operand log_probabilities, Operand target, const NllOptions& options);

}  // namespace catena
