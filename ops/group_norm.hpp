// Normalisation of each sample: over groups of channels, or over each channel.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// x [N, C, ...] normalised in each sample over `num_groups` groups of neighbouring channels and all
// that follows them (Wu and He, 2018); weight and bias are [C]. Outputs 1 and 2 are the mean and
// biased variance [N, num_groups]; they carry no gradient.
struct GroupNorm {
  std::int64_t num_groups = 1;
  double eps = 1e-5;
  static constexpr const char* kFormula =
      "y[n, c] = (x[n, c] - mean_ng) / (var_ng + eps)^(1/2) * weight[c] + bias[c], c in group g";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"num_groups", &GroupNorm::num_groups, "groups of neighbouring channels"},
      Attr{"eps", &GroupNorm::eps, "added to the variance"}};
  static constexpr Inputs kInputs{"x", "weight?", "bias?"};
  static constexpr int kNumOutputs = 3;
  static constexpr std::uint32_t kNoGradOutputs = 6;
  static constexpr Saves kSaves =
      Saves::per_input({Saves::input_bit(0) | Saves::input_bit(1), Saves::input_bit(0), 0});
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("Reshape, InstanceNormalization, Reshape, Mul, Add");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// x [N, C, ...] normalised in each sample over groups of C / num_groups neighbouring channels; then
// times weight plus bias ([C]) where they are defined. Errors: x not floating; channels that do not
// make that many equal groups; sizes or dtypes that differ.
Tensor group_norm(Operand x, std::int64_t num_groups, const Tensor& weight = {},
                  const Tensor& bias = {}, double eps = 1e-5);

// x [N, C, ...] normalised over each channel of each sample; then times weight plus bias ([C])
// where they are defined (Ulyanov, Vedaldi and Lempitsky, 2016). With `use_input_stats` the mean
// and variance are those of x, and where the running ones ([C]) are defined they are moved towards
// the means of these over the samples: running = (1 - momentum) running + momentum new, the
// variance an unbiased one. Otherwise the running ones are used. Errors: x not floating, without a
// dimension behind the channels, or of one value per channel when its statistics are used; sizes or
// dtypes that differ; no running statistics to use.
Tensor instance_norm(Operand x, const Tensor& running_mean = {}, const Tensor& running_var = {},
                     const Tensor& weight = {}, const Tensor& bias = {},
                     bool use_input_stats = true, double momentum = 0.1, double eps = 1e-5);

}  // namespace catena
