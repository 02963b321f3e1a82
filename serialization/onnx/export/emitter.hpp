// Makes ONNX operators of the calls of a graph. Not a public header.
//
// Every op of ops/ops.def has its row in <stem>.cpp of this folder: a function
//   void export_op(Emitter& e, const op::Exp&) { e.result(e.unary("Exp", e.in(0))); }
// that adds the operators for the call the emitter is at and names what they give. A missing row is
// an undefined reference to export_op(Emitter&, op::<Struct> const&).
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <variant>
#include <vector>

#include "catena/graph/graph.hpp"
#include "catena/ops/op_list.hpp"
#include "catena/serialization/onnx/save_onnx.hpp"

namespace catena::onnx_model {
class AttributeProto;
class GraphProto;
class NodeProto;
}  // namespace catena::onnx_model
namespace catena::onnx_tensor {
class TensorProto;
}

namespace catena::onnx_export {

// A value of the ONNX graph: what an operator reads and gives.
struct Value {
  std::string name;  // empty: an optional one that is left out
  DType dtype = kFloat32;
  SymbolicShape shape;

  explicit operator bool() const { return !name.empty(); }
  int rank() const { return static_cast<int>(shape.size()); }
  const SymbolicInt& size(int d) const { return shape[static_cast<std::size_t>(d)]; }
};

struct Attribute {
  using Data =
      std::variant<std::int64_t, float, std::string, std::vector<std::int64_t>, std::vector<float>,
                   Tensor, const onnx_model::GraphProto*, std::vector<std::string>>;
  std::string name;
  Data data;

  Attribute(std::string n, std::int64_t v) : name(std::move(n)), data(v) {}
  Attribute(std::string n, int v) : name(std::move(n)), data(std::int64_t{v}) {}
  Attribute(std::string n, double v) : name(std::move(n)), data(static_cast<float>(v)) {}
  Attribute(std::string n, const char* v) : name(std::move(n)), data(std::string(v)) {}
  Attribute(std::string n, std::string v) : name(std::move(n)), data(std::move(v)) {}
  Attribute(std::string n, std::vector<std::int64_t> v) : name(std::move(n)), data(std::move(v)) {}
  Attribute(std::string n, const Shape& v)
      : name(std::move(n)), data(std::vector<std::int64_t>(v.begin(), v.end())) {}
  Attribute(std::string n, Tensor v) : name(std::move(n)), data(std::move(v)) {}
  Attribute(std::string n, std::vector<std::string> v) : name(std::move(n)), data(std::move(v)) {}
  Attribute(std::string n, const onnx_model::GraphProto* v) : name(std::move(n)), data(v) {}
};
using Attributes = std::vector<Attribute>;

// --- Sizes ---
SymbolicInt times(const SymbolicInt& a, std::int64_t factor);
SymbolicInt plus(const SymbolicInt& a, std::int64_t number);
SymbolicInt product(const SymbolicInt& a, const SymbolicInt& b);  // unknown when it cannot be said
SymbolicInt sum(const SymbolicInt& a, const SymbolicInt& b);
// Of dims; the product of the sizes along them.
SymbolicInt product(const SymbolicShape& shape, int first, int last);
std::vector<std::int64_t> to_vector(const Shape& shape);
// TensorProto.DataType of a dtype; the tensor with its bytes.
int code_of(DType dtype);
void write_tensor(const Tensor& tensor, onnx_tensor::TensorProto* proto);
void write_attribute(const Attribute& attribute, onnx_model::AttributeProto* proto);

struct BatchNorm;

class Emitter {
 public:
  Emitter(const Graph& graph, const OnnxOptions& options, onnx_model::GraphProto* out);
  ~Emitter();

  // Emits the whole graph.
  void emit();
  // Whether calls of user ops are nodes of our own domain.
  bool uses_own_domain() const { return own_domain_; }

  // --- The call at hand, for rows ---
  int opset() const { return options_.opset; }
  bool training() const { return options_.training; }
  bool has(int input) const;
  const Value& in(int input) const;  // left out: an empty value
  int num_inputs() const;
  // The inputs of a pointwise op in the dtype it computes in.
  std::vector<Value> operands();
  // What the shape rule says of output k; and whether anything reads it.
  const Value& out(int k = 0) const;
  bool used(int k) const;
  // The attribute of the call, with the axes it follows.
  SymbolicShape sizes_of(std::string_view attribute) const;
  SymbolicInt size_of(std::string_view attribute) const;
  // Dimensions `dims` of a value of this rank, from 0; all when empty.
  static std::vector<std::int64_t> resolved(const Shape& dims, int rank);
  static std::int64_t resolved(std::int64_t dim, int rank) { return dim < 0 ? dim + rank : dim; }
  // Says that v is output k of the call.
  void result(const Value& v, int k = 0);
  // Says that the call gives v as it is.
  void pass(const Value& v) { calls_.back().outputs[0] = v; }
  // The call as the ops its composition is made of.
  void compose();
  // UnsupportedError "[save_onnx] <op>: what (recorded at model.cpp:41)".
  [[noreturn]] void refuse(std::string_view what) const;
  // Refuses unless every size is a number.
  Shape fixed(const SymbolicShape& shape, std::string_view what) const;
  void need_opset(int opset, std::string_view what) const;

  // --- Adding operators ---
  Value node(const char* type, const std::vector<Value>& inputs, DType dtype, SymbolicShape shape,
             const Attributes& attributes = {});
  std::vector<Value> nodes(const char* type, const std::vector<Value>& inputs,
                           const std::vector<Value>& outputs, const Attributes& attributes = {},
                           const char* domain = "");
  // The same dtype and shape as x.
  Value unary(const char* type, const Value& x, const Attributes& attributes = {});
  Value binary(const char* type, const Value& a, const Value& b);
  Value compare(const char* type, const Value& a, const Value& b);
  Value where(const Value& condition, const Value& a, const Value& b);
  Value add(const Value& a, const Value& b) { return binary("Add", a, b); }
  Value sub(const Value& a, const Value& b) { return binary("Sub", a, b); }
  Value mul(const Value& a, const Value& b) { return binary("Mul", a, b); }
  Value div(const Value& a, const Value& b) { return binary("Div", a, b); }
  Value cast(const Value& x, DType dtype);
  Value reshape(const Value& x, const SymbolicShape& shape);
  // To the sizes of `like`, whatever they are when the graph runs.
  Value reshape_as(const Value& x, const Value& like);
  Value unsqueeze(const Value& x, int dim);
  Value transpose(const Value& x, const std::vector<std::int64_t>& perm);
  Value swap_last(const Value& x);
  Value expand(const Value& x, const SymbolicShape& shape);
  Value concat(const std::vector<Value>& parts, int dim);
  // Entries [start, stop) of a dimension, `stop` >= start.
  Value slice(const Value& x, int dim, const SymbolicInt& start, const SymbolicInt& stop);
  Value flip(const Value& x, int dim);
  Value pad(const Value& x, const SymbolicShape& before, const SymbolicShape& after,
            double value = 0, const char* mode = "constant");
  Value gather(const Value& x, const Value& index, int dim);
  Value matmul(const Value& a, const Value& b);
  // ReduceSum and its like; dims are from 0.
  Value reduce(const char* type, const Value& x, const std::vector<std::int64_t>& dims,
               bool keepdim);
  // x times the matrix [size of dim, n] along a dimension, with a matrix of numbers.
  Value apply_matrix(const Value& x, int dim, const Tensor& matrix);
  // Zeros.
  Value filled(const SymbolicShape& shape, DType dtype);
  // 0, 1, .. as int64, of this length.
  Value counting(const SymbolicInt& count);
  Value softplus(const Value& x);
  // (x - mean) / (var + eps)^(1/2) over dims.
  struct Normalized {
    Value y, mean, var;  // the latter with dimensions of size 1
  };
  Normalized normalize(const Value& x, const std::vector<std::int64_t>& dims, double eps);

  // --- Constants ---
  Value constant(const Tensor& tensor);
  Value number(double value, DType dtype);  // 0-d
  Value integer(std::int64_t value);        // 0-d int64
  Value like(const Value& x, double value) { return number(value, x.dtype); }
  Value ints(const std::vector<std::int64_t>& values);
  // Sizes as a vector of int64, computed from the inputs where they follow axes.
  Value sizes(const SymbolicShape& shape);
  // One size as a 0-d int64.
  Value scalar(const SymbolicInt& size);
  // An initializer under this name.
  Value initializer(const std::string& name, const Tensor& tensor);

  // A graph inside a node, such as the body of Scan: operators go there until the end.
  class Body {
   public:
    explicit Body(Emitter& e);
    ~Body();
    Body(const Body&) = delete;
    Body& operator=(const Body&) = delete;
    Value input(const char* name, DType dtype, SymbolicShape shape);
    void output(const Value& v);
    // Operators go to the graph around it again.
    void close();
    const onnx_model::GraphProto* graph() const { return graph_; }

   private:
    Emitter& emitter_;
    onnx_model::GraphProto* graph_;
    onnx_model::GraphProto* outer_;  // null once closed
    std::map<std::string, Value> constants_;
  };

 private:
  // One call, of the graph or of what a composite op is made of.
  struct Call {
    const Graph* graph = nullptr;
    const Graph::Node* node = nullptr;
    const BatchNorm* batch_norm = nullptr;  // the call is the last of one
    std::vector<Value> inputs, outputs;
    std::vector<bool> used;
    std::string name;
    std::string source;
    int first_node = 0;
    std::size_t first_described = 0;
  };

  // The call, whose inputs are x, weight, bias, mean and var, as batch norm in evaluation.
  void emit_batch_norm(double eps);

  std::string unique(std::string name);
  void emit_calls(const Graph& graph, std::unordered_map<Graph::ValueId, Value>& values,
                  const std::unordered_map<Graph::ValueId, std::string>& names);
  void emit_call(Call call);
  void emit_own();
  std::vector<Value> inferred(const Call& call) const;
  Graph composition(const Call& call) const;
  Value axis_size(int axis);
  void rename(const std::string& from, const std::string& to);
  void describe_values();

  const Graph& graph_;
  const OnnxOptions& options_;
  onnx_model::GraphProto* out_;  // where nodes go: the graph, or a body
  onnx_model::GraphProto* const top_;
  std::unordered_set<std::string> taken_;
  std::unordered_set<std::string> initializers_;
  std::vector<Value> described_;  // every value that operators gave
  std::map<std::string, Value> constants_;
  std::unordered_map<int, Value> axis_sizes_;
  std::vector<Call> calls_;           // those being emitted, the innermost last
  std::vector<std::string> refused_;  // what cannot be expressed, each once
  bool own_domain_ = false;
};

// Batch norm in evaluation: the calls it is made of in a traced graph, by the result of the last.
struct BatchNorm {
  Graph::ValueId x = -1, mean = -1, var = -1, weight = -1, bias = -1;  // -1: not there
  double eps = 0;
  std::vector<Graph::ValueId> parts;  // results of the calls before the last
};
std::unordered_map<Graph::ValueId, BatchNorm> find_batch_norms(const Graph& graph);

// The row of a built-in op.
using Row = void (*)(Emitter&, const void* op);
// Null for a user's op.
Row find_row(const OpInfo& op);

#define CATENA_OP(Struct, name, stem) void export_op(Emitter& e, const op::Struct& op);
#include "catena/ops/ops.def"
#undef CATENA_OP

}  // namespace catena::onnx_export
