// Running totals along one dimension.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

namespace catena {
namespace op {

// Integers and bool give int64 and wrap around; float32 is added up in float64.
struct CumSum {
  std::int64_t dim = 0;
  bool reverse = false;
  static constexpr const char* kFormula = "y[i] = sum_{j <= i} x[j]";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"dim", &CumSum::dim, "dimension added along"},
      Attr{"reverse", &CumSum::reverse, "from the end: sum over j >= i"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr Saves kSaves = Saves::nothing();
  static constexpr OnnxRow kOnnx = OnnxRow::op("CumSum");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// The sums of the entries up to each one along `dim`, or from each one to the end. Shape of x.
// Errors: x is 0-d; dim out of range.
Tensor cumsum(Operand x, int dim, bool reverse = false);

}  // namespace catena
