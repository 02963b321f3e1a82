// Losses. Each checks that predictions and targets fit and says which one does not.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

#include <string>
#include <string_view>

namespace catena {

enum class Reduction : int { kMean = 0, kSum = 1, kNone = 2 };
// "mean", "sum", "none"; any other name is an ArgumentError that suggests the nearest.
Reduction reduction_from_name(std::string_view name);
const char* name_of(Reduction reduction);

namespace op {

// -log softmax(logits)[target], logits [N, C]. Targets are class indices (int32 or int64, [N]) or
// probabilities (floating, [N, C]): -sum_c target_c log softmax(logits)_c. Stable for any logits.
// Output 1 is the log-sum-exp of each row, kept for the gradient.
struct CrossEntropy {
  std::string reduction = "mean";
  static constexpr const char* kFormula =
      "y = mean_n(-sum_c target[n, c] log softmax(logits[n])[c])";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"reduction", &CrossEntropy::reduction, "\"mean\", \"sum\" or \"none\""}};
  static constexpr Inputs kInputs{"logits", "target"};
  static constexpr int kNumOutputs = 2;
  static constexpr std::uint32_t kNoGradOutputs = 2;
  static constexpr Saves kSaves = Saves::inputs(0, 1) | Saves::output();
  static constexpr OnnxRow kOnnx = OnnxRow::op("SoftmaxCrossEntropyLoss");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The attribute of a checked op as a value; for kernels, which cannot look into strings.
Reduction reduction_of(const CrossEntropy& op);

// (prediction - target)^2, reduced.
struct MseLoss {
  std::string reduction = "mean";
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula = "y = mean((prediction - target)^2)";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"reduction", &MseLoss::reduction, "\"mean\", \"sum\" or \"none\""}};
  static constexpr Inputs kInputs{"prediction", "target"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Sub, Mul, ReduceMean");
  Tensor compose(std::span<const Tensor> in) const;
};

// max(x, 0) - x t + log(1 + e^-|x|) with x the logit, t the target probability; reduced.
struct BceWithLogits {
  std::string reduction = "mean";
  static constexpr OpKind kKind = OpKind::kComposite;
  static constexpr const char* kFormula = "y = mean(max(x, 0) - x t + log(1 + e^-|x|))";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"reduction", &BceWithLogits::reduction, "\"mean\", \"sum\" or \"none\""}};
  static constexpr Inputs kInputs{"logits", "target"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Relu, Mul, Sub, Exp, Log, ReduceMean");
  Tensor compose(std::span<const Tensor> in) const;
};

}  // namespace op

// Losses over logits [N, C] with class indices [N] or probabilities [N, C], and over two tensors of
// equal shape (nothing is broadcast). A scalar, or with Reduction::kNone one loss per row or entry.
// Errors: shapes or dtypes that do not fit; a class index outside [0, C).
Tensor cross_entropy(Operand logits, Operand target, Reduction reduction = Reduction::kMean);
Tensor mse_loss(Operand prediction, Operand target, Reduction reduction = Reduction::kMean);
Tensor bce_with_logits(Operand logits, Operand target, Reduction reduction = Reduction::kMean);

}  // namespace catena
