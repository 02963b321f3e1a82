// A recorded program: calls of ops on values, that can be run, differentiated, saved and drawn.
#pragma once

#include <cstdint>
#include <iosfwd>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

#include "catena/graph/op.hpp"
#include "catena/graph/state.hpp"
#include "catena/graph/symbolic.hpp"

namespace catena {

// Whether dropout and its like are at work. A graph knows both; the run decides.
enum class Mode : std::uint8_t { kEvaluation, kTraining };

// A straight-line program in single assignment: values are numbered as they are defined, and a call
// reads only values defined before it. Copies share the parameters' tensors.
class Graph {
 public:
  using ValueId = std::int32_t;

  enum class ValueKind : std::uint8_t { kInput, kParameter, kConstant, kResult };
  // What is known of a value before the graph runs.
  struct Value {
    ValueKind kind = ValueKind::kResult;
    bool described = false;  // dtype and shape are known
    DType dtype = kFloat32;
    std::int32_t number = 0;  // of a result: counted from 0 among the results
    SymbolicShape shape;
  };
  // The integer attribute `attr` of a node, or its entry `element`, follows the axes.
  struct SymbolicAttr {
    std::string attr;
    std::int32_t element = -1;  // -1: the attribute is one integer
    SymbolicInt value;
    friend bool operator==(const SymbolicAttr&, const SymbolicAttr&) = default;
  };
  // Where a call was recorded; file 0 is "unknown".
  struct Source {
    std::uint32_t file = 0;
    std::uint32_t line = 0;
  };
  struct Node {
    OpValue op;
    std::vector<ValueId> inputs;
    ValueId first_output = 0;  // outputs are numbered first_output, first_output + 1, ...
    std::int32_t num_outputs = 1;
    Source source;
    std::vector<SymbolicAttr> symbolic;
  };
  struct Named {
    std::string name;
    ValueId value = 0;
  };
  // A named size; `example` is the one it was traced at.
  struct Axis {
    std::string name;
    std::int64_t example = 2;
  };

  // --- What it holds ---
  std::span<const Axis> axes() const { return axes_; }
  std::span<const Named> inputs() const { return inputs_; }
  std::span<const Named> outputs() const { return outputs_; }
  // Tied parameters are several names of one value.
  std::span<const Named> parameters() const { return parameters_; }
  std::span<const Named> constants() const { return constants_; }
  std::span<const Node> nodes() const { return nodes_; }
  std::span<const Value> values() const { return values_; }
  std::vector<std::string> axis_names() const;
  // The tensor of a parameter or constant.
  const Tensor& tensor(ValueId value) const;
  // The parameters by name, live: what an optimizer updates.
  std::vector<NamedTensor> named_parameters() const;
  // "model.cpp:41", or "" when unknown.
  std::string source_of(const Node& node) const;
  // "reshape(shape=[batch, 16])", attributes that follow an axis as expressions.
  std::string text_of(const Node& node) const;
  // The value's name if it has one, else "%7" for result number 7.
  std::string name_of(ValueId value) const;

  // --- Running it ---
  // The outputs for these inputs, in order. Every call goes through dispatch, so it is recorded and
  // differentiable where parameters or inputs require gradients. Random ops draw anew.
  // Errors: number, dtype or shape of the inputs; whatever the ops say, with the recorded line.
  std::vector<Tensor> run(std::span<const Tensor> inputs, Mode mode = Mode::kEvaluation,
                          std::source_location loc = std::source_location::current()) const;
  std::vector<Tensor> operator()(const std::vector<Tensor>& inputs, Mode mode = Mode::kEvaluation,
                                 std::source_location loc = std::source_location::current()) const {
    return run(inputs, mode, loc);
  }

  // --- Building it ---
  // Errors: a name used twice, a value not yet defined, an axis out of range.
  int add_axis(std::string name, std::int64_t example);
  ValueId add_input(std::string name, DType dtype, SymbolicShape shape);
  ValueId add_parameter(std::string name, Tensor tensor);
  // Another name of the parameter `value`.
  void tie_parameter(std::string name, ValueId value);
  ValueId add_constant(Tensor tensor, std::string name = "");
  // Another tensor of the same shape and dtype for a parameter or constant.
  void replace_tensor(ValueId value, Tensor tensor);
  // Returns the first output.
  ValueId add_node(OpValue op, std::vector<ValueId> inputs);
  ValueId add_node(OpValue op, std::vector<ValueId> inputs, Source source,
                   std::vector<SymbolicAttr> symbolic = {});
  void add_output(std::string name, ValueId value);
  // A source file for `Source`; the directory is dropped.
  Source source(std::string_view file, std::uint32_t line);
  std::span<const std::string> source_files() const { return files_; }
  // Works out dtypes and shapes of all results without computing them: the ops' shape rules at two
  // sizes of each axis. Throws what the rules throw, with the recorded line; the values of
  // composite ops, and what follows from them, stay undescribed.
  void infer_shapes(std::source_location loc = std::source_location::current());

  // Calls that run together, block by block, where their tensors are large (docs/chains.md), as
  // indices into nodes(); sizes that follow an axis count as large. The last of some reads the
  // others' result as it is computed.
  std::vector<std::vector<std::size_t>> chains() const;

  // --- Showing it ---
  // Text: axes, inputs, parameters, constants, one line per call, outputs.
  std::string describe() const;
  // A drawing for Graphviz, with a frame around each chain.
  std::string to_dot() const;

 private:
  friend class GraphTracer;  // describes values as it sees them
  void check_new_name(std::string_view name, std::string_view what);
  void check_value(ValueId value, std::string_view what) const;
  ValueId new_value(ValueKind kind);
  // A parameter or constant, whose name has been checked.
  ValueId add_tensor(ValueKind kind, std::string name, Tensor tensor, std::vector<Named>* list);
  std::vector<std::int64_t> bind_inputs(std::span<const Tensor> inputs,
                                        const std::source_location& loc) const;
  OpValue resolved_op(const Node& node, std::span<const std::int64_t> axis_sizes) const;
  [[noreturn]] void rethrow_at(std::size_t node) const;

  std::vector<Axis> axes_;
  std::vector<Named> inputs_, outputs_, parameters_, constants_;
  std::vector<Node> nodes_;
  std::vector<Value> values_;
  std::int32_t num_results_ = 0;
  std::unordered_map<ValueId, Tensor> tensors_;
  std::unordered_map<ValueId, std::string> names_;
  std::unordered_map<std::string, ValueId> by_name_;
  std::unordered_set<std::string> output_names_;
  std::vector<std::string> files_{""};
  std::unordered_map<std::string, std::uint32_t> file_numbers_;
};

std::ostream& operator<<(std::ostream& out, const Graph& graph);

}  // namespace catena
