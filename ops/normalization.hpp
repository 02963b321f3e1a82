// Normalisation to mean 0 and variance 1, or to mean square 1: over the last dimensions of each
// row, or over each feature of a batch.
#pragma once

#include <optional>
#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// Over the last dimensions of x, of sizes `normalized_shape`, which weight and bias have too (Ba,
// Kiros and Hinton, 2016). The variance is the biased one.
struct LayerNorm {
  Shape normalized_shape;
  double eps = 1e-5;
  static constexpr const char* kFormula = "y = (x - mean x) / (var x + eps)^(1/2) * weight + bias";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"normalized_shape", &LayerNorm::normalized_shape, "sizes of the last dimensions"},
      Attr{"eps", &LayerNorm::eps, "added to the variance"}};
  static constexpr Inputs kInputs{"x", "weight?", "bias?"};
  static constexpr Saves kSaves =
      Saves::per_input({Saves::input_bit(0) | Saves::input_bit(1), Saves::input_bit(0), 0});
  static constexpr OnnxRow kOnnx = OnnxRow::op("LayerNormalization");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// Over the last dimensions of x, of sizes `normalized_shape`, which weight has too (Zhang and
// Sennrich, 2019).
struct RmsNorm {
  Shape normalized_shape;
  double eps = 1e-5;
  static constexpr const char* kFormula = "y = x / (mean x^2 + eps)^(1/2) * weight";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"normalized_shape", &RmsNorm::normalized_shape, "sizes of the last dimensions"},
      Attr{"eps", &RmsNorm::eps, "added to the mean square"}};
  static constexpr Inputs kInputs{"x", "weight?"};
  static constexpr Saves kSaves =
      Saves::per_input({Saves::input_bit(0) | Saves::input_bit(1), Saves::input_bit(0)});
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Mul, ReduceMean, Add, Sqrt, Div, Mul");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// Over all dimensions of x [N, C, ...] but the second, with the statistics of x itself (Ioffe and
// Szegedy, 2015). Outputs 1 and 2 are its mean and biased variance [C]; they carry no gradient.
struct BatchNorm {
  double eps = 1e-5;
  static constexpr const char* kFormula =
      "y[n, c] = (x[n, c] - mean_c) / (var_c + eps)^(1/2) * weight[c] + bias[c]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"eps", &BatchNorm::eps, "added to the variance"}};
  static constexpr Inputs kInputs{"x", "weight?", "bias?"};
  static constexpr int kNumOutputs = 3;
  static constexpr std::uint32_t kNoGradOutputs = 6;
  static constexpr Saves kSaves =
      Saves::per_input({Saves::input_bit(0) | Saves::input_bit(1), Saves::input_bit(0), 0});
  static constexpr OnnxRow kOnnx = OnnxRow::expands("ReduceMean, Sub, Mul, Sqrt, Div, Mul, Add");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// x normalised over its last dimensions, whose sizes `normalized_shape` gives; then times weight
// plus bias (of that shape) where they are defined. Errors: x not floating; sizes or dtypes that
// differ.
Tensor layer_norm(Operand x, const Shape& normalized_shape, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);

// x divided by the root of the mean of its squares over its last dimensions, whose sizes
// `normalized_shape` gives; then times weight (of that shape) where it is defined. eps: by default
// the distance from 1 to the next number of the dtype of x. Errors: as of layer_norm.
Tensor rms_norm(Operand x, const Shape& normalized_shape, const Tensor& weight = {},
                std::optional<double> eps = {});

// x [N, C] or [N, C, ...] normalised per feature c; then times weight plus bias ([C]) where they
// are defined. In training the mean and variance are those of x, and where the running ones ([C])
// are defined they are moved towards them in place: running = (1 - momentum) running + momentum
// new, the variance an unbiased one. Otherwise the running ones are used. Errors: x not floating,
// or of one value per feature in training; sizes or dtypes that differ; no running statistics to
// use.
Tensor batch_norm(Operand x, const Tensor& running_mean, const Tensor& running_var,
                  const Tensor& weight = {}, const Tensor& bias = {}, bool training = false,
                  double momentum = 0.1, double eps = 1e-5);

}  // namespace catena
