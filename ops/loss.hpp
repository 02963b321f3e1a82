// Losses that compare two tensors entry by entry. Each checks that they fit and says which one does
// not.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

#include <string>

#include "catena/ops/cross_entropy.hpp"
#include "catena/ops/loss_reduction.hpp"

namespace catena {
namespace op {

// What a loss that is a sequence of other ops declares.
#define CATENA_LOSS_BODY(onnx, formula)                    \
  static constexpr OpKind kKind = OpKind::kComposite;      \
  static constexpr const char* kFormula = formula;         \
  static constexpr Saves kSaves = Saves::nothing();        \
  static constexpr OnnxRow kOnnx = OnnxRow::expands(onnx); \
  Tensor compose(std::span<const Tensor> in) const

struct MseLoss {
  std::string reduction = "mean";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"reduction", &MseLoss::reduction, kReductionDoc}};
  static constexpr Inputs kInputs{"prediction", "target"};
  CATENA_LOSS_BODY("Sub, Mul, ReduceMean", "y = mean((prediction - target)^2)");
};

// The derivative where both are equal is 0.
struct MaeLoss {
  std::string reduction = "mean";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"reduction", &MaeLoss::reduction, kReductionDoc}};
  static constexpr Inputs kInputs{"prediction", "target"};
  CATENA_LOSS_BODY("Sub, Abs, ReduceMean", "y = mean(|prediction - target|)");
};

// Quadratic where the two differ by less than delta, linear beyond (Huber, 1964).
struct HuberLoss {
  std::string reduction = "mean";
  double delta = 1;
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"reduction", &HuberLoss::reduction, kReductionDoc},
      Attr{"delta", &HuberLoss::delta, "the difference from which it is linear, > 0"}};
  static constexpr Inputs kInputs{"prediction", "target"};
  CATENA_LOSS_BODY("Sub, Clip, Mul, ReduceMean",
                   "y = mean(d^2 / 2 if d < delta else delta (d - delta / 2)), d = |prediction - "
                   "target|");
};

// huber_loss / beta; with beta = 0 it is mae_loss.
struct SmoothL1Loss {
  std::string reduction = "mean";
  double beta = 1;
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"reduction", &SmoothL1Loss::reduction, kReductionDoc},
      Attr{"beta", &SmoothL1Loss::beta, "the difference from which it is linear, >= 0"}};
  static constexpr Inputs kInputs{"prediction", "target"};
  CATENA_LOSS_BODY("Sub, Clip, Mul, Div, ReduceMean",
                   "y = mean(d^2 / (2 beta) if d < beta else d - beta / 2), d = |prediction - "
                   "target|");
};

// Of probabilities in [0, 1]; outside it is NaN. As in PyTorch logarithms are at least -100, and
// the derivative divides by at least 1e-12. The weight scales the losses of entries and broadcasts
// to them; the mean is over all entries.
struct BceLoss {
  std::string reduction = "mean";
  static constexpr std::uint32_t kVersion = 2;
  static constexpr std::tuple kAttrs{Attr{"reduction", &BceLoss::reduction, kReductionDoc}};
  static constexpr Inputs kInputs{"probability", "target", "weight?"};
  CATENA_LOSS_BODY("Log, Max, Mul, Sub, ReduceMean",
                   "y = mean(-(t log x + (1 - t) log(1 - x))), x = probability, t = target");
};

// x is the logit, t the target probability; weight scales the losses of entries, pos_weight their
// parts where t is 1. Both broadcast to the logits. The mean is over all entries, whatever their
// weight.
struct BceWithLogits {
  std::string reduction = "mean";
  static constexpr std::uint32_t kVersion = 2;
  static constexpr std::tuple kAttrs{Attr{"reduction", &BceWithLogits::reduction, kReductionDoc}};
  static constexpr Inputs kInputs{"logits", "target", "weight?", "pos_weight?"};
  CATENA_LOSS_BODY("Relu, Mul, Sub, Exp, Add, Log, ReduceMean",
                   "y = mean(max(x, 0) - x t + log(1 + e^-|x|))");
};

// The target is a distribution, or its logarithm; an entry of probability 0 adds nothing.
struct KlDiv {
  std::string reduction = "mean";
  bool log_target = false;
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"reduction", &KlDiv::reduction, kReductionDoc},
      Attr{"log_target", &KlDiv::log_target, "the target holds log-probabilities"}};
  static constexpr Inputs kInputs{"log_probabilities", "target"};
  CATENA_LOSS_BODY("Log, Sub, Mul, ReduceMean",
                   "y = mean(target (log target - log_probabilities))");
};

// Of targets that are -1 or 1; the derivative at the margin is 0.
struct HingeLoss {
  std::string reduction = "mean";
  double margin = 1;
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"reduction", &HingeLoss::reduction, kReductionDoc},
      Attr{"margin", &HingeLoss::margin, "what prediction times target is to reach"}};
  static constexpr Inputs kInputs{"prediction", "target"};
  CATENA_LOSS_BODY("Mul, Sub, Relu, ReduceMean", "y = mean(max(0, margin - target prediction))");
};
#undef CATENA_LOSS_BODY

}  // namespace op

// Losses over two tensors of equal shape (nothing is broadcast). A scalar, or with Reduction::kNone
// one loss per entry. Errors: shapes or dtypes that do not fit; delta <= 0; beta < 0.
Tensor mse_loss(Operand prediction, Operand target, Reduction reduction = Reduction::kMean);
Tensor mae_loss(Operand prediction, Operand target, Reduction reduction = Reduction::kMean);
Tensor huber_loss(Operand prediction, Operand target, Reduction reduction = Reduction::kMean,
                  double delta = 1);
Tensor smooth_l1_loss(Operand prediction, Operand target, Reduction reduction = Reduction::kMean,
                      double beta = 1);
Tensor bce_loss(Operand probability, Operand target, Reduction reduction = Reduction::kMean,
                const Tensor& weight = {});
Tensor bce_with_logits(Operand logits, Operand target, Reduction reduction = Reduction::kMean,
                       const Tensor& weight = {}, const Tensor& pos_weight = {});
// The Kullback-Leibler divergence of the target from the distribution given by its logarithm, entry
// by entry; what is usually meant divides the sum by the number of rows, not of entries.
Tensor kl_div(Operand log_probabilities, Operand target, Reduction reduction = Reduction::kMean,
              bool log_target = false);
Tensor hinge_loss(Operand prediction, Operand target, Reduction reduction = Reduction::kMean,
                  double margin = 1);

}  // namespace catena
