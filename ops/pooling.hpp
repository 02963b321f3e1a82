// Pooling: the largest entry, the mean or the p-norm of each window of the spatial dimensions.
#pragma once

#include <cstdint>
#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"
#include "catena/ops/spatial.hpp"

namespace catena {
namespace op {

// x [N, C, ..], y [N, C, ..] the largest entry of each window, and where it was (int64, counted in
// row-major order over the spatial dimensions): of equal entries the first, of NaN the last. The
// spatial size of y is floor((x + padding_before + padding_after - dilation (kernel - 1) - 1) /
// stride) + 1; with ceil_mode it is rounded up, unless the last window would begin behind x.
struct MaxPool {
  Shape kernel, stride, padding_before, padding_after, dilation;
  bool ceil_mode = false;
  static constexpr const char* kFormula = "y[o] = max_t x[o stride + t dilation - padding]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"kernel", &MaxPool::kernel, "sizes of the window"},
      Attr{"stride", &MaxPool::stride, "step of the window, per spatial dimension"},
      Attr{"padding_before", &MaxPool::padding_before, "entries in front that count as -infinity"},
      Attr{"padding_after", &MaxPool::padding_after, "entries behind that count as -infinity"},
      Attr{"dilation", &MaxPool::dilation, "distance of the window's entries"},
      Attr{"ceil_mode", &MaxPool::ceil_mode, "a last window that is not whole counts"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr int kNumOutputs = 2;
  static constexpr std::uint32_t kNoGradOutputs = 2;
  static constexpr Saves kSaves = Saves::output();
  static constexpr OnnxRow kOnnx = OnnxRow::op("MaxPool");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// x [N, C, ..] cut into output[d] windows along each spatial dimension d: window o goes from
// floor(o x / output) to ceil((o + 1) x / output). Outputs as those of max_pool.
struct AdaptiveMaxPool {
  Shape output;
  static constexpr const char* kFormula = "y[o] = max x[o-th of output windows]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"output", &AdaptiveMaxPool::output, "spatial sizes of the result"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr int kNumOutputs = 2;
  static constexpr std::uint32_t kNoGradOutputs = 2;
  static constexpr Saves kSaves = Saves::output();
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("GlobalMaxPool for one window, else ReduceMax of slices, Concat");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The mean of each window of x [N, C, ..]; sizes as those of max_pool.
struct AvgPool {
  Shape kernel, stride, padding_before, padding_after;
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::int64_t divisor = 0;
  static constexpr const char* kFormula = "y[o] = 1 / count_o sum_t x[o stride + t - padding]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"kernel", &AvgPool::kernel, "sizes of the window"},
      Attr{"stride", &AvgPool::stride, "step of the window, per spatial dimension"},
      Attr{"padding_before", &AvgPool::padding_before, "zeros in front"},
      Attr{"padding_after", &AvgPool::padding_after, "zeros behind"},
      Attr{"ceil_mode", &AvgPool::ceil_mode, "a last window that is not whole counts"},
      Attr{"count_include_pad", &AvgPool::count_include_pad, "the zeros count as entries"},
      Attr{"divisor", &AvgPool::divisor, "instead of the number of entries, unless 0"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("AveragePool");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The adjoint of avg_pool for an input of spatial sizes `size`: each entry of x is spread over its
// window.
struct AvgPoolAdjoint {
  Shape size, kernel, stride, padding_before, padding_after;
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::int64_t divisor = 0;
  static constexpr const char* kFormula = "y[o stride + t - padding] += x[o] / count_o";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"size", &AvgPoolAdjoint::size, "spatial sizes of the result"},
      Attr{"kernel", &AvgPoolAdjoint::kernel, "sizes of the window"},
      Attr{"stride", &AvgPoolAdjoint::stride, "step of the window"},
      Attr{"padding_before", &AvgPoolAdjoint::padding_before, "zeros in front"},
      Attr{"padding_after", &AvgPoolAdjoint::padding_after, "zeros behind"},
      Attr{"ceil_mode", &AvgPoolAdjoint::ceil_mode, "a last window that is not whole counts"},
      Attr{"count_include_pad", &AvgPoolAdjoint::count_include_pad, "the zeros count as entries"},
      Attr{"divisor", &AvgPoolAdjoint::divisor, "instead of the number of entries, unless 0"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("ConvTranspose per channel, Mul, Pad");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The mean of each of output windows, as adaptive_max_pool cuts them.
struct AdaptiveAvgPool {
  Shape output;
  static constexpr const char* kFormula = "y[o] = mean x[o-th of output windows]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"output", &AdaptiveAvgPool::output, "spatial sizes of the result"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx =
      OnnxRow::expands("GlobalAveragePool for one window, else ReduceMean of slices, Concat");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The adjoint of adaptive_avg_pool for an input of spatial sizes `size`.
struct AdaptiveAvgPoolAdjoint {
  Shape size;
  static constexpr const char* kFormula = "y[i] = sum_o x[o] / count_o, i in window o";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"size", &AdaptiveAvgPoolAdjoint::size, "spatial sizes of the result"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("MatMul per dimension");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

struct MaxPoolOptions {
  Sizes stride = 0;  // 0: as the kernel
  Sizes padding = 0;
  Sizes dilation = 1;
  bool ceil_mode = false;
};
struct AvgPoolOptions {
  Sizes stride = 0;  // 0: as the kernel
  Sizes padding = 0;
  bool ceil_mode = false;
  bool count_include_pad = true;
  std::int64_t divisor_override = 0;  // 0: the number of entries
};
struct LpPoolOptions {
  Sizes stride = 0;  // 0: as the kernel
  bool ceil_mode = false;
};

// The entries taken, and where in x each was.
struct Pooled {
  Tensor values, indices;
};

// x [N, C, ..] or [C, ..] with so many spatial dimensions as the name says:
//   max_pool2d(x, 2)    avg_pool2d(x, {3, 2}, {.stride = 2, .padding = 1})
// Errors: another number of dimensions; a padding of more than half of the window; a window that
// does not fit.
Tensor max_pool1d(Operand x, const Sizes& kernel, const MaxPoolOptions& options = {});
Tensor max_pool2d(Operand x, const Sizes& kernel, const MaxPoolOptions& options = {});
Tensor max_pool3d(Operand x, const Sizes& kernel, const MaxPoolOptions& options = {});
Pooled max_pool1d_with_indices(Operand x, const Sizes& kernel, const MaxPoolOptions& options = {});
Pooled max_pool2d_with_indices(Operand x, const Sizes& kernel, const MaxPoolOptions& options = {});
Pooled max_pool3d_with_indices(Operand x, const Sizes& kernel, const MaxPoolOptions& options = {});
Tensor avg_pool1d(Operand x, const Sizes& kernel, const AvgPoolOptions& options = {});
Tensor avg_pool2d(Operand x, const Sizes& kernel, const AvgPoolOptions& options = {});
Tensor avg_pool3d(Operand x, const Sizes& kernel, const AvgPoolOptions& options = {});

// Into `output` windows along each spatial dimension; 1 pools each channel as a whole.
Tensor adaptive_max_pool1d(Operand x, const Sizes& output);
Tensor adaptive_max_pool2d(Operand x, const Sizes& output);
Tensor adaptive_max_pool3d(Operand x, const Sizes& output);
Tensor adaptive_avg_pool1d(Operand x, const Sizes& output);
Tensor adaptive_avg_pool2d(Operand x, const Sizes& output);
Tensor adaptive_avg_pool3d(Operand x, const Sizes& output);

// (sum x^p)^(1/p) over each window, as PyTorch: of a negative sum it is 0.
Tensor lp_pool1d(Operand x, double p, const Sizes& kernel, const LpPoolOptions& options = {});
Tensor lp_pool2d(Operand x, double p, const Sizes& kernel, const LpPoolOptions& options = {});
Tensor lp_pool3d(Operand x, double p, const Sizes& kernel, const LpPoolOptions& options = {});

}  // namespace catena
