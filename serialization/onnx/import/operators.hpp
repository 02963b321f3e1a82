// The operators of ONNX: one row each for every version that computes something else, and what a
// row's function sees of the node it computes. Not a public header.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catena/graph/tensor.hpp"
#include "catena/serialization/onnx/import/program.hpp"

namespace catena::onnx {

class Call;
using Values = std::vector<Tensor>;

// What becomes of dtypes that kernels do not compute with (float16, int8, uint64, ...).
enum class Types : std::uint8_t {
  kAny,     // the function takes all dtypes
  kWide,    // inputs are converted to dtypes that hold them, results stay
  kFirst,   // ... and output 0 is converted back to the dtype of input 0,
  kSecond,  // input 1,
  kThird,   // input 2,
  kAll,     // or all outputs to that of input 0
};

struct Operator {
  const char* name;
  int since;             // first opset of this version
  Values (*run)(Call&);  // null: this version is not supported
  Types types = Types::kFirst;
  std::uint32_t fixed = 0;  // inputs (bits) that are never trained: sizes, bounds, ratios
  // Inputs (bits) that batch norm renews while it is trained.
  std::uint32_t statistics = 0;
  // Depends on more than its inputs: draws numbers, or runs bodies.
  bool impure = false;
};

constexpr std::uint32_t bit(int i) { return 1u << i; }
constexpr std::uint32_t kFixedFromSecond = ~1u;

// The row for `name` in this opset; null when there is none.
const Operator* find_operator(std::string_view name, int opset);
// "Foo", or "Foo (changed in opset 24; known up to 23)".
std::string why_unsupported(const std::string& name, int opset);
// All rows, by name and opset.
std::span<const Operator> all_operators();
// The newest opset whose changes are known here.
inline constexpr int kNewestOpset = 28;

std::vector<Operator> pointwise_operators();
std::vector<Operator> activation_operators();
std::vector<Operator> linear_algebra_operators();
std::vector<Operator> convolution_operators();
std::vector<Operator> pooling_operators();
std::vector<Operator> normalization_operators();
std::vector<Operator> reduction_operators();
std::vector<Operator> shape_operators();
std::vector<Operator> index_operators();
std::vector<Operator> creation_operators();
std::vector<Operator> resize_operators();
std::vector<Operator> loss_operators();
std::vector<Operator> quantize_operators();
std::vector<Operator> recurrent_operators();
std::vector<Operator> sampling_operators();
std::vector<Operator> control_flow_operators();
std::vector<Operator> attention_operators();

class Runner;

// One computation of a node. Attributes have the names of ONNX's documentation; reading one of
// another type is an error.
class Call {
 public:
  Call(Runner& runner, const Node& node, Values inputs, std::vector<bool> known);

  const Node& node() const { return node_; }
  int opset() const { return node_.opset; }

  // --- Inputs ---
  int count() const { return static_cast<int>(inputs_.size()); }
  bool has(int i) const { return i < count() && inputs_[static_cast<std::size_t>(i)].defined(); }
  // Error: it is not there.
  const Tensor& in(int i) const;
  // Undefined when it is not there.
  Tensor optional(int i) const { return has(i) ? in(i) : Tensor(); }
  // The dtype it came with, before it was converted.
  DType given_dtype(int i) const;
  // The values, read on the host; of an integer tensor, of any.
  std::vector<std::int64_t> integers(int i) const;
  std::vector<double> reals(int i) const;
  // The only value.
  std::int64_t integer(int i) const;
  double real(int i) const;
  // Whether the value follows from constants and shapes alone, not from what the model is given.
  bool known(int i) const { return known_[static_cast<std::size_t>(i)]; }
  // Whether values may be read on the host: no trace is running, or it is known.
  bool readable(int i) const;

  // --- Outputs ---
  int num_outputs() const { return static_cast<int>(node_.outputs.size()); }
  bool wants(int k) const {
    return k < num_outputs() && node_.outputs[static_cast<std::size_t>(k)] >= 0;
  }
  // Output k is known although not all inputs are (or the other way round).
  void set_known(int k, bool on) { known_outputs_[static_cast<std::size_t>(k)] = on; }

  // --- Attributes ---
  bool has_attribute(std::string_view name) const { return find(name) != nullptr; }
  std::int64_t attribute(std::string_view name, std::int64_t otherwise) const;
  std::int64_t required_integer(std::string_view name) const;
  double attribute(std::string_view name, double otherwise) const;
  std::string attribute(std::string_view name, const char* otherwise) const;
  std::optional<std::vector<std::int64_t>> integers(std::string_view name) const;
  std::optional<std::vector<double>> reals(std::string_view name) const;
  std::optional<std::vector<std::string>> texts(std::string_view name) const;
  // Undefined when there is none.
  Tensor tensor_attribute(std::string_view name) const;
  const Block& body(std::string_view name) const;
  // The dtype an attribute with a number of TensorProto.DataType names.
  DType dtype_attribute(std::string_view name, DType otherwise) const;

  // --- The rest ---
  bool training() const;
  Runner& runner() { return runner_; }
  // An axis counted from the end when negative; error when there is none.
  int axis(std::int64_t given, int rank) const;
  // The list as a shape; error when it is too long or a size is negative.
  Shape shape(std::span<const std::int64_t> sizes) const;
  // Error when a result of this shape exceeds the budget of the load.
  void check_size(const Shape& shape, DType dtype) const;
  [[noreturn]] void fail(std::string_view what) const;
  [[noreturn]] void unsupported(std::string_view what) const;

  const std::vector<bool>& known_outputs() const { return known_outputs_; }

 private:
  const Attribute* find(std::string_view name) const;
  const Attribute* find(std::string_view name, Attribute::Kind kind) const;

  Runner& runner_;
  const Node& node_;
  Values inputs_;
  std::vector<bool> known_, known_outputs_;
};

// x in a dtype that kernels compute with: float16 and bfloat16 as float32, small integers as int32,
// the rest as int64.
Tensor widened(const Tensor& x);

}  // namespace catena::onnx
