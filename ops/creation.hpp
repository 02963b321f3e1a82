// Tensors made of nothing but numbers: ranges, the identity matrix, filled copies of a shape.
#pragma once

#include <optional>
#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// `count` numbers `step` apart. Floats are rounded once, from float64.
struct Arange {
  std::int64_t count = 0;
  double start = 0, step = 1;
  DType dtype = kFloat32;
  static constexpr const char* kFormula = "y[i] = start + i * step";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"count", &Arange::count, "entries"},
                                     Attr{"start", &Arange::start, "first entry"},
                                     Attr{"step", &Arange::step, "distance, not 0"},
                                     Attr{"dtype", &Arange::dtype, "dtype of the result"}};
  static constexpr Inputs kInputs{};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Range");
  void infer(InferContext& c) const;
};

// `count` numbers evenly spaced from start to end, both included; counted from the nearer end, so
// that both are met exactly.
struct Linspace {
  std::int64_t count = 0;
  double start = 0, end = 1;
  DType dtype = kFloat32;
  static constexpr const char* kFormula = "y[i] = start + i * (end - start) / (count - 1)";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"count", &Linspace::count, "entries"},
                                     Attr{"start", &Linspace::start, "first entry"},
                                     Attr{"end", &Linspace::end, "last entry"},
                                     Attr{"dtype", &Linspace::dtype, "float32 or float64"}};
  static constexpr Inputs kInputs{};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Range, Mul, Add");
  void infer(InferContext& c) const;
};

// Ones on the diagonal of a matrix of zeros.
struct Eye {
  std::int64_t rows = 0, columns = 0;
  DType dtype = kFloat32;
  static constexpr const char* kFormula = "y[i, j] = i == j ? 1 : 0";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"rows", &Eye::rows, "rows"},
                                     Attr{"columns", &Eye::columns, "columns"},
                                     Attr{"dtype", &Eye::dtype, "dtype of the result"}};
  static constexpr Inputs kInputs{};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("ConstantOfShape, EyeLike");
  void infer(InferContext& c) const;
};

}  // namespace op

// start, start + step, ... below end (above it for a negative step): ceil((end - start) / step)
// numbers. int64 when all three are integers, else float32, unless the options say otherwise. Made
// on the CPU, then moved to the device of the options. Errors: step 0 or away from end, numbers
// that are not finite, a real start or step for an integer dtype.
Tensor arange(Scalar start, Scalar end, Scalar step = 1, std::optional<TensorOptions> options = {},
              std::source_location loc = std::source_location::current());
Tensor arange(Scalar end, std::optional<TensorOptions> options = {},
              std::source_location loc = std::source_location::current());
// `count` numbers from start to end, both included; one number is start. float32 or float64.
Tensor linspace(double start, double end, std::int64_t count, TensorOptions options = {},
                std::source_location loc = std::source_location::current());
// [rows, columns], square unless told.
Tensor eye(std::int64_t rows, std::optional<std::int64_t> columns = {}, TensorOptions options = {},
           std::source_location loc = std::source_location::current());
// `value` in the shape, dtype and device of t.
Tensor full_like(const Tensor& t, Scalar value,
                 std::source_location loc = std::source_location::current());

}  // namespace catena
