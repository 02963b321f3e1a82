// Windows of images as columns (im2col), and the sum of columns at their windows (col2im).
#pragma once

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"
#include "catena/ops/spatial.hpp"

namespace catena {
namespace op {

// Windows of kernel_size entries over the dimensions behind the channels of x [N, C, ...]: their
// entries are `dilation` apart, they are `stride` apart, and x has `padding` zeros on each side.
// y is [N, C prod(kernel_size), L] with L windows in row-major order. An attribute of one number
// holds for all dimensions.
struct Unfold {
  Shape kernel_size, dilation{1}, padding{0}, stride{1};
  static constexpr const char* kFormula =
      "y[n, (c, k), l] = x[n, c, l stride + k dilation - padding], or 0";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"kernel_size", &Unfold::kernel_size, "sizes of a window"},
      Attr{"dilation", &Unfold::dilation, "distances of its entries"},
      Attr{"padding", &Unfold::padding, "zeros around x"},
      Attr{"stride", &Unfold::stride, "distances of windows"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("Pad, Gather per dimension, Transpose, Reshape");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The adjoint: x [N, C prod(kernel_size), L] to [N, C, output_size...].
struct Fold {
  Shape output_size, kernel_size, dilation{1}, padding{0}, stride{1};
  static constexpr const char* kFormula =
      "y = 0; y[n, c, l stride + k dilation - padding] += x[n, (c, k), l]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"output_size", &Fold::output_size, "sizes of y behind the channels"},
      Attr{"kernel_size", &Fold::kernel_size, "sizes of a window"},
      Attr{"dilation", &Fold::dilation, "distances of its entries"},
      Attr{"padding", &Fold::padding, "zeros around y"},
      Attr{"stride", &Fold::stride, "distances of windows"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Col2Im");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// Floating dtypes: unfold(images, 3) of x [N, C, H, W] is [N, 9 C, (H - 2) (W - 2)]; one number is
// for all dimensions behind the channels. Errors: numbers that do not fit the dimensions of x, or
// below 1 (padding: 0); a window larger than the padded x; of fold, sizes of x that do not come
// from such windows.
Tensor unfold(Operand x, const Sizes& kernel_size, const Sizes& dilation = 1,
              const Sizes& padding = 0, const Sizes& stride = 1);
Tensor fold(Operand x, const Shape& output_size, const Sizes& kernel_size,
            const Sizes& dilation = 1, const Sizes& padding = 0, const Sizes& stride = 1);

}  // namespace catena
