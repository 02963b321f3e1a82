// Tensors of another size: interpolation between the entries of the last dimensions.
#pragma once

#include <optional>
#include <source_location>
#include <string>
#include <vector>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// The last dimensions of x at the sizes `size`, one dimension after the other. Entry i of a
// dimension of `out` entries is made from x at
//   half_pixel          (i + 1/2) / s - 1/2          pytorch_half_pixel   the same; 0 when out is 1
//   asymmetric          i / s                        align_corners        i (in - 1) / (out - 1)
// with s = out / in, or the number in `scales`. Mode "nearest" takes one entry, rounded as
// nearest_mode says; "linear" two; "cubic" four (Keys 1981, with coefficient cubic_coeff_a), which
// repeat the entry at the edge beyond it, or with exclude_outside count as nothing there; "area"
// the mean of the entries from floor(i in / out) to ceil((i + 1) in / out). This is ONNX's Resize.
struct Resize {
  Shape size;
  std::vector<double> scales;
  std::string mode = "nearest";
  std::string coordinate_mode = "half_pixel";
  std::string nearest_mode = "round_prefer_floor";
  double cubic_coeff_a = -0.75;
  bool exclude_outside = false;
  static constexpr const char* kFormula = "y[i] = sum_j weight[i, j] x[j], per dimension";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"size", &Resize::size, "sizes of the last dimensions of y"},
      Attr{"scales", &Resize::scales, "how much larger they are; empty: as the sizes say"},
      Attr{"mode", &Resize::mode, "\"nearest\", \"linear\", \"cubic\" or \"area\""},
      Attr{"coordinate_mode", &Resize::coordinate_mode,
           "\"half_pixel\", \"pytorch_half_pixel\", \"align_corners\" or \"asymmetric\""},
      Attr{"nearest_mode", &Resize::nearest_mode,
           "\"round_prefer_floor\", \"round_prefer_ceil\", \"floor\" or \"ceil\""},
      Attr{"cubic_coeff_a", &Resize::cubic_coeff_a, "of mode \"cubic\""},
      Attr{"exclude_outside", &Resize::exclude_outside, "of mode \"cubic\", no entries beyond"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Resize");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The adjoint: from the sizes of y to `input_size`, those of x.
struct ResizeAdjoint {
  Shape input_size;
  std::vector<double> scales;
  std::string mode = "nearest";
  std::string coordinate_mode = "half_pixel";
  std::string nearest_mode = "round_prefer_floor";
  double cubic_coeff_a = -0.75;
  bool exclude_outside = false;
  static constexpr const char* kFormula = "y[j] = sum_i weight[i, j] x[i], per dimension";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"input_size", &ResizeAdjoint::input_size, "sizes of the last dimensions of y"},
      Attr{"scales", &ResizeAdjoint::scales, "as of resize"},
      Attr{"mode", &ResizeAdjoint::mode, "as of resize"},
      Attr{"coordinate_mode", &ResizeAdjoint::coordinate_mode, "as of resize"},
      Attr{"nearest_mode", &ResizeAdjoint::nearest_mode, "as of resize"},
      Attr{"cubic_coeff_a", &ResizeAdjoint::cubic_coeff_a, "as of resize"},
      Attr{"exclude_outside", &ResizeAdjoint::exclude_outside, "as of resize"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("MatMul with the weights, per dimension");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// Either of size and scale_factor, with a number per dimension behind the channels, or one for all.
struct InterpolateOptions {
  Shape size;
  std::vector<double> scale_factor;
  // "nearest" (entry floor(i in / out)), "nearest-exact" (the entry nearest to the middle of i),
  // "linear", "bilinear", "trilinear", "bicubic" (of 1, 2, 3 and 2 dimensions), "area".
  std::string mode = "nearest";
  // Of the modes with "linear" or "cubic": the middles of the entries at the corners stay in place,
  // rather than the outer edges.
  bool align_corners = false;
  // Coordinates follow from the sizes, not from scale_factor, when these differ by rounding.
  bool recompute_scale_factor = false;
};

// x [N, C, ...] at another size. Floating dtypes; of nearest modes any. Errors: not 3 to 5
// dimensions, or not those of the mode; both or none of size and scale_factor, or a number below 1
// (scale_factor: not positive); an unknown mode; align_corners of a mode that has none; a dimension
// without entries.
Tensor interpolate(Operand x, const InterpolateOptions& options);

}  // namespace catena
