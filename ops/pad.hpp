// Tensors with a border.
#pragma once

#include <initializer_list>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {

// What a border holds: a number; the entries beside the edge, mirrored (the edge itself not
// repeated); the entry at the edge; the entries of the other end.
enum class PadMode : int { kConstant = 0, kReflect = 1, kReplicate = 2, kCircular = 3 };
// "constant", "reflect", "replicate", "circular"; any other name is an ArgumentError.
PadMode pad_mode_from_name(std::string_view name,
                           std::source_location loc = std::source_location::current());
const char* name_of(PadMode mode);

namespace op {

// before[d] entries in front of dimension d and after[d] behind it; both have as many numbers as x
// has dimensions.
struct Pad {
  Shape before, after;
  std::string mode = "constant";
  double value = 0;
  static constexpr const char* kFormula = "y[i] = x[source(i - before)], or value";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"before", &Pad::before, "entries in front, per dimension"},
      Attr{"after", &Pad::after, "entries behind, per dimension"},
      Attr{"mode", &Pad::mode, "\"constant\", \"reflect\", \"replicate\" or \"circular\""},
      Attr{"value", &Pad::value, "of a constant border"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("Pad");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The adjoint of a border that is not constant: each entry of it is added to where it came from.
struct PadAdjoint {
  Shape before, after;
  std::string mode = "reflect";
  static constexpr const char* kFormula = "y = 0; y[source(i - before)] += x[i]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"before", &PadAdjoint::before, "entries in front, per dimension"},
      Attr{"after", &PadAdjoint::after, "entries behind, per dimension"},
      Attr{"mode", &PadAdjoint::mode, "\"reflect\", \"replicate\" or \"circular\""}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("Slice, ReduceSum, Pad, Add");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The attribute of a checked op as a value; for kernels, which cannot look into strings.
PadMode pad_mode_of(const Pad& op);
PadMode pad_mode_of(const PadAdjoint& op);

}  // namespace op

// Entries in front of a dimension and behind it.
using PadPair = std::pair<std::int64_t, std::int64_t>;

// x with a border. `pads` holds one pair per dimension in the order of the dimensions, for the last
// ones when there are fewer: pad(images, {{top, bottom}, {left, right}}) leaves batch and channels
// alone. (PyTorch's flat list starts with the last dimension instead: (left, right, top, bottom).)
// With a constant border negative numbers cut entries off. Errors: more pairs than dimensions; a
// reflected border as wide as the dimension, a circular one that is wider, either of a dimension
// without entries; a negative number in these modes; a value that the dtype of x does not have.
Tensor pad(Operand x, std::span<const PadPair> pads, PadMode mode = PadMode::kConstant,
           Scalar value = 0);
Tensor pad(Operand x, std::initializer_list<PadPair> pads, PadMode mode = PadMode::kConstant,
           Scalar value = 0);

}  // namespace catena
