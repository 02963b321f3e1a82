// Convolutions over one, two or three spatial dimensions, and transposed ones.
#pragma once

#include <source_location>
#include <string>
#include <utility>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"
#include "catena/ops/spatial.hpp"

namespace catena {
namespace op {

// x [N, C, ..], weight [K, C / groups, ..], bias [K] or none, y [N, K, ..]; the spatial size of y
// is floor((x + padding_before + padding_after - dilation (kernel - 1) - 1) / stride) + 1. The
// kernel is not flipped. A negative padding cuts entries off. float32 or float64, equal dtypes.
struct Conv {
  Shape stride, padding_before, padding_after, dilation;
  std::int64_t groups = 1;
  static constexpr const char* kFormula =
      "y[n, k, o] = sum_c,t x[n, c, o stride + t dilation - padding] weight[k, c, t] + bias[k]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"stride", &Conv::stride, "step of the kernel, per spatial dimension"},
      Attr{"padding_before", &Conv::padding_before, "zeros in front"},
      Attr{"padding_after", &Conv::padding_after, "zeros behind"},
      Attr{"dilation", &Conv::dilation, "distance of the kernel's entries"},
      Attr{"groups", &Conv::groups, "channels of x and y fall into as many groups"}};
  static constexpr Inputs kInputs{"x", "weight", "bias?"};
  static constexpr Saves kSaves = Saves::per_input({Saves::input_bit(1), Saves::input_bit(0), 0});
  static constexpr OnnxRow kOnnx = OnnxRow::op("Conv");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The gradient of conv with respect to its input, as an op: x [N, K, ..], weight [K, C / groups,
// ..], bias [C] or none, y [N, C, ..]; the spatial size of y is (x - 1) stride - padding_before -
// padding_after + dilation (kernel - 1) + 1 + output_padding.
struct ConvTranspose {
  Shape stride, padding_before, padding_after, dilation, output_padding;
  std::int64_t groups = 1;
  static constexpr const char* kFormula =
      "y[n, c, o stride + t dilation - padding] += x[n, k, o] weight[k, c, t]; y += bias[c]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"stride", &ConvTranspose::stride, "distance of the kernels, per spatial dimension"},
      Attr{"padding_before", &ConvTranspose::padding_before, "entries cut off in front"},
      Attr{"padding_after", &ConvTranspose::padding_after, "entries cut off behind"},
      Attr{"dilation", &ConvTranspose::dilation, "distance of the kernel's entries"},
      Attr{"output_padding", &ConvTranspose::output_padding, "more entries behind"},
      Attr{"groups", &ConvTranspose::groups, "channels of x and y fall into as many groups"}};
  static constexpr Inputs kInputs{"x", "weight", "bias?"};
  static constexpr Saves kSaves = Saves::per_input({Saves::input_bit(1), Saves::input_bit(0), 0});
  static constexpr OnnxRow kOnnx = OnnxRow::op("ConvTranspose");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The gradient of conv with respect to its weight, as an op: x [N, C, ..] of the convolution, g
// [N, K, ..] with the shape of its result, y [K, C / groups, kernel].
struct ConvWeight {
  Shape kernel, stride, padding_before, padding_after, dilation;
  std::int64_t groups = 1;
  static constexpr const char* kFormula =
      "y[k, c, t] = sum_n,o x[n, c, o stride + t dilation - padding] g[n, k, o]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"kernel", &ConvWeight::kernel, "sizes of the kernel"},
      Attr{"stride", &ConvWeight::stride, "of the convolution, per spatial dimension"},
      Attr{"padding_before", &ConvWeight::padding_before, "of the convolution"},
      Attr{"padding_after", &ConvWeight::padding_after, "of the convolution"},
      Attr{"dilation", &ConvWeight::dilation, "of the convolution"},
      Attr{"groups", &ConvWeight::groups, "of the convolution"}};
  static constexpr Inputs kInputs{"x", "g"};
  static constexpr Saves kSaves = Saves::per_input({Saves::input_bit(1), Saves::input_bit(0)});
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("Transpose, Conv with stride and dilation exchanged, Transpose");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// Zeros around x: a number, one for each spatial dimension, "valid" (none) or "same" (so that y has
// the size of x; where the number is odd the further zero lies behind; stride 1 only).
class ConvPadding {
 public:
  ConvPadding(std::int64_t all) : sizes_(all) {}                           // NOLINT: implicit
  ConvPadding(std::initializer_list<std::int64_t> each) : sizes_(each) {}  // NOLINT
  ConvPadding(const Sizes& sizes) : sizes_(sizes) {}                       // NOLINT
  ConvPadding(std::string name) : sizes_(0), name_(std::move(name)) {}     // NOLINT
  template <std::size_t N>
  ConvPadding(const char (&name)[N]) : ConvPadding(std::string(name)) {}  // NOLINT

  // Sets zeros in front and behind, for a kernel of these sizes.
  void resolve(const Shape& kernel, const Shape& stride, const Shape& dilation,
               const std::source_location& location, Shape* before, Shape* after) const;
  const std::string& name() const { return name_; }  // empty: numbers

 private:
  Sizes sizes_;
  std::string name_;
};

struct ConvOptions {
  Sizes stride = 1;
  ConvPadding padding = 0;
  Sizes dilation = 1;
  std::int64_t groups = 1;
};
struct ConvTransposeOptions {
  Sizes stride = 1;
  Sizes padding = 0;  // cut off at both ends
  Sizes output_padding = 0;
  std::int64_t groups = 1;
  Sizes dilation = 1;
};

// x [N, C, L], [N, C, H, W] or [N, C, D, H, W], or without N; weight [K, C / groups, ..]; bias [K]
// or undefined:
//   conv2d(x, weight, bias, {.stride = 2, .padding = 1});
// Errors: other numbers of dimensions or channels; a kernel larger than the padded x.
Tensor conv1d(Operand x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});
Tensor conv2d(Operand x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});
Tensor conv3d(Operand x, const Tensor& weight, const Tensor& bias = {},
              const ConvOptions& options = {});
// The same with weight [C, K / groups, ..]. Error: an output_padding that is not below the stride
// or the dilation.
Tensor conv_transpose1d(Operand x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});
Tensor conv_transpose2d(Operand x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});
Tensor conv_transpose3d(Operand x, const Tensor& weight, const Tensor& bias = {},
                        const ConvTransposeOptions& options = {});

}  // namespace catena
