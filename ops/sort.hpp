// Entries along a dimension in order, all of them or the first few.
#pragma once

#include <source_location>

#include "catena/graph/dispatch.hpp"
#include "catena/ops/op_list.hpp"

// Equal entries keep their order: the sort is stable. NaN counts as the largest value, so it comes
// last, and first when descending; -0 equals 0. The gradient goes to the entries that were taken.
namespace catena {
namespace op {

// Outputs: the entries in order, and where along `dim` each was (int64).
struct Sort {
  std::int64_t dim = -1;
  bool descending = false;
  static constexpr const char* kFormula = "y[i] = x[k[i]], y[0] <= y[1] <= ..";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{Attr{"dim", &Sort::dim, "dimension sorted"},
                                     Attr{"descending", &Sort::descending, "largest first"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr int kNumOutputs = 2;
  static constexpr std::uint32_t kNoGradOutputs = 2;
  static constexpr Saves kSaves = Saves::output();
  static constexpr OnnxRow kOnnx = OnnxRow::expands("TopK of all entries");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

// The k largest (or smallest) entries and where they were; of equal ones those with lower numbers.
struct TopK {
  std::int64_t k = 1, dim = -1;
  bool largest = true, sorted = true;
  static constexpr const char* kFormula = "y[i] = x[j[i]], the k largest";
  static constexpr std::uint32_t kVersion = 1;
  static constexpr std::tuple kAttrs{
      Attr{"k", &TopK::k, "entries taken"}, Attr{"dim", &TopK::dim, "dimension searched"},
      Attr{"largest", &TopK::largest, "the largest, else the smallest"},
      Attr{"sorted", &TopK::sorted, "best first, else in the order of x"}};
  static constexpr Inputs kInputs{"x"};
  static constexpr int kNumOutputs = 2;
  static constexpr std::uint32_t kNoGradOutputs = 2;
  static constexpr Saves kSaves = Saves::output();
  static constexpr OnnxRow kOnnx = OnnxRow::op("TopK");
  void infer(InferContext& c) const;
  void vjp(VjpContext& c) const;
};

}  // namespace op

// Entries, and where along the dimension they were (int64).
struct Sorted {
  Tensor values, indices;
};

// Errors: a 0-d x, a dimension out of range; more than there are.
Sorted sort(Operand x, int dim = -1, bool descending = false);
Tensor argsort(Operand x, int dim = -1, bool descending = false);
Sorted topk(Operand x, std::int64_t k, int dim = -1, bool largest = true, bool sorted = true);

}  // namespace catena
