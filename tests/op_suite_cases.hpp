// The cases the suite makes of the samples, and what its parts share.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <ostream>
#include <string>
#include <vector>

#include "op_suite.hpp"
#include "support.hpp"

namespace catena::test {

// One sample with one dtype under test.
struct Case {
  std::string label;  // "softmax_rows_float32"
  OpSample sample;
  DType dtype = kFloat32;
  const OpInfo& info() const { return sample.op.info(); }
};
inline std::ostream& operator<<(std::ostream& out, const Case& c) { return out << c.label; }
inline std::string case_name(const ::testing::TestParamInfo<Case>& info) {
  return info.param.label;
}

// All samples that are to succeed, and for pointwise ops their "basic" sample once more with pairs
// of shapes that broadcast, empty ones and 0-d ones.
const std::vector<Case>& value_cases();
// Those with a gradient to check: the dtype is float64.
const std::vector<Case>& gradient_cases();
// Those with an error to provoke.
const std::vector<Case>& error_cases();
// Those whose author gave a reason to skip them.
const std::vector<Case>& skipped_cases();
// One case per pointwise op, with enough elements for several chunks and threads.
const std::vector<Case>& large_cases();

// Calls the op; random ops start from the same seed each time.
std::vector<Tensor> run(const OpSample& sample, std::span<const Tensor> inputs);

// The same bits; `what` says in a message what made them.
void expect_same(const std::vector<Tensor>& a, const std::vector<Tensor>& b, const char* what);
// Of inputs in two layouts: the same bits, or close where BLAS orders the sums.
void expect_same_in_layout(const OpSample& sample, const std::vector<Tensor>& a,
                           const std::vector<Tensor>& b, const char* what);

// Same values, other memory: written into a larger block of a vector's memory, with a guard pattern
// before, behind and between the elements.
enum class Layout { kContiguous, kShifted, kReversed, kStepped };
inline constexpr Layout kStridedLayouts[] = {Layout::kShifted, Layout::kReversed, Layout::kStepped};
class Placed {
 public:
  Placed(const Tensor& t, Layout layout);
  const Tensor& tensor() const { return tensor_; }
  // Whether every byte that is not an element still holds the pattern.
  bool guards_intact() const;
  // Writes a byte pattern (NaN for floating dtypes) over the elements behind the library's back.
  void poison();

 private:
  std::shared_ptr<std::vector<unsigned char>> block_;
  std::vector<std::size_t> elements_;  // byte positions
  std::size_t element_bytes_;
  Tensor tensor_;
};

// Which inputs are differentiated: floating, of the dtype under test, and not declared constant.
std::vector<bool> differentiated(const Case& c, std::span<const Tensor> inputs);
// Marks those as requiring gradients.
void require_gradients(const Case& c, std::vector<Tensor>& inputs);
// Outputs that depend on an input that requires a gradient, and a fixed gradient for each.
std::vector<Tensor> differentiable_outputs(const std::vector<Tensor>& outputs);
std::vector<Tensor> cotangents_for(std::span<const Tensor> outputs);
// The gradients of the differentiated inputs of one call.
std::vector<Tensor> gradients(const Case& c, const std::vector<Tensor>& inputs,
                              bool create_graph = false);

}  // namespace catena::test
