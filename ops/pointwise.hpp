// What the structs of pointwise ops have in common.
//
// All broadcast like NumPy. Operands of different dtypes are promoted to a common one first (see
// promote()). The formula of each op and its derivative stand in <stem>_formulas.hpp, once for all
// machines.
#pragma once

#include "catena/ops/op_list.hpp"

namespace catena::op {

// Numbers that stay what they are, numbers and bool that do, functions whose integers give float32,
// tests of numbers, logic.
inline constexpr PointwiseRule kArithmetic1{.inputs = 1, .dtypes = kNumberTypes};
inline constexpr PointwiseRule kArithmetic2{.inputs = 2, .dtypes = kComputeTypes};
inline constexpr PointwiseRule kMath1{.inputs = 1, .integer_to_float = true, .dtypes = kFloatTypes};
inline constexpr PointwiseRule kMath2{.inputs = 2, .integer_to_float = true, .dtypes = kFloatTypes};
inline constexpr PointwiseRule kMath3{.inputs = 3, .integer_to_float = true, .dtypes = kFloatTypes};
inline constexpr PointwiseRule kTest1{.inputs = 1, .bool_result = true, .dtypes = kComputeTypes};
inline constexpr PointwiseRule kCompare{.inputs = 2, .bool_result = true, .dtypes = kComputeTypes};
inline constexpr PointwiseRule kLogic1{.inputs = 1, .bool_result = true, .dtypes = DTypeSet(kBool)};
inline constexpr PointwiseRule kLogic2{.inputs = 2, .bool_result = true, .dtypes = DTypeSet(kBool)};

inline constexpr std::uint32_t kIn0 = Saves::input_bit(0), kIn1 = Saves::input_bit(1),
                               kIn2 = Saves::input_bit(2), kOut = Saves::kOutput;

}  // namespace catena::op

// Everything a pointwise op carries beside its attributes; the names of the inputs come last.
#define CATENA_POINTWISE_MEMBERS(rule, saves, onnx, formula, ...) \
  static constexpr OpKind kKind = OpKind::kPointwise;             \
  static constexpr std::uint32_t kVersion = 1;                    \
  static constexpr const char* kFormula = formula;                \
  static constexpr Inputs kInputs{__VA_ARGS__};                   \
  static constexpr PointwiseRule kPointwise = rule;               \
  static constexpr Saves kSaves = saves;                          \
  static constexpr OnnxRow kOnnx = onnx

// A pointwise op without attributes.
#define CATENA_POINTWISE(Struct, ...)       \
  struct Struct {                           \
    static constexpr std::tuple<> kAttrs{}; \
    CATENA_POINTWISE_MEMBERS(__VA_ARGS__);  \
  }
