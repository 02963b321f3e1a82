// From the calls of a graph to operators: the walk, and what rows ask of the call at hand.
#include <algorithm>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/serialization/onnx/export/emitter.hpp"
#include "catena_onnx_model.pb.h"

namespace catena::onnx_export {
namespace {

void write_value(const Value& v, const std::vector<std::string>& axes,
                 onnx_model::ValueInfoProto* info) {
  info->set_name(v.name);
  onnx_model::TypeProto::Tensor* type = info->mutable_type()->mutable_tensor_type();
  type->set_elem_type(code_of(v.dtype));
  onnx_model::TensorShapeProto* shape = type->mutable_shape();
  for (const SymbolicInt& s : v.shape) {
    auto* dim = shape->add_dim();
    if (s.is_constant())
      dim->set_dim_value(s.offset());
    else if (s.is_known())
      dim->set_dim_param(to_string(s, axes));
  }
}

}  // namespace

Emitter::Emitter(const Graph& graph, const OnnxOptions& options, onnx_model::GraphProto* out)
    : graph_(graph), options_(options), out_(out), top_(out) {}
Emitter::~Emitter() = default;

void Emitter::emit() {
  std::unordered_map<Graph::ValueId, Value> values;
  std::unordered_map<Graph::ValueId, std::string> names;
  const auto described = [&](Graph::ValueId id, std::string name) {
    const Graph::Value& v = graph_.values()[static_cast<std::size_t>(id)];
    return Value{std::move(name), v.dtype, v.shape};
  };
  for (const Graph::Named& input : graph_.inputs()) {
    taken_.insert(input.name);
    values[input.value] = described(input.value, input.name);
    write_value(values[input.value], graph_.axis_names(), out_->add_input());
  }
  for (const Graph::Named& output : graph_.outputs())
    if (!taken_.insert(output.name).second)
      throw ArgumentError(
          fmt::format("[save_onnx] '{}' is the name of an input and of an output; ONNX needs names "
                      "that differ; "
                      "give TraceOptions::output_names",
                      output.name));
  for (const Graph::Named& parameter : graph_.parameters()) {
    if (taken_.contains(parameter.name))
      throw ArgumentError(
          fmt::format("[save_onnx] '{}' is the name of a parameter and of an input or output; ONNX "
                      "needs names that differ; rename one of them",
                      parameter.name));
    if (values.contains(parameter.value)) continue;  // tied to one before
    values[parameter.value] = initializer(parameter.name, graph_.tensor(parameter.value));
  }
  for (const Graph::Named& output : graph_.outputs())
    if (graph_.values()[static_cast<std::size_t>(output.value)].kind == Graph::ValueKind::kResult)
      names.try_emplace(output.value, output.name);
  emit_calls(graph_, values, names);
  if (!refused_.empty())
    throw UnsupportedError(
        fmt::format("[save_onnx] opset {} cannot express: {}", opset(), fmt::join(refused_, "; ")));
  for (const Graph::Named& output : graph_.outputs()) {
    const Value& v = values.at(output.value);
    if (v.name != output.name) {
      // A value that is no result, or one that is given twice.
      onnx_model::NodeProto* proto = out_->add_node();
      proto->set_op_type("Identity");
      proto->set_name(unique(output.name + ".Identity"));
      proto->add_input(v.name);
      proto->add_output(output.name);
    }
    write_value({output.name, v.dtype, v.shape}, graph_.axis_names(), out_->add_output());
  }
  describe_values();
}

// What operators of the graph itself gave; values inside bodies are theirs.
void Emitter::describe_values() {
  std::unordered_set<std::string> given;
  for (const onnx_model::NodeProto& node : top_->node())
    for (const std::string& name : node.output()) given.insert(name);
  for (const onnx_model::ValueInfoProto& output : top_->output()) given.erase(output.name());
  for (const Value& v : described_)
    if (given.erase(v.name)) write_value(v, graph_.axis_names(), top_->add_value_info());
}

void Emitter::emit_calls(const Graph& graph, std::unordered_map<Graph::ValueId, Value>& values,
                         const std::unordered_map<Graph::ValueId, std::string>& names) {
  std::vector<bool> read(graph.values().size());
  for (const Graph::Node& node : graph.nodes())
    for (const Graph::ValueId id : node.inputs) read[static_cast<std::size_t>(id)] = true;
  for (const Graph::Named& output : graph.outputs())
    read[static_cast<std::size_t>(output.value)] = true;
  const auto value_of = [&](Graph::ValueId id) -> const Value& {
    const auto it = values.find(id);
    if (it != values.end()) return it->second;
    // A constant, written where it is first read.
    const Tensor& tensor = graph.tensor(id);
    return values[id] = constant(tensor);
  };
  const std::unordered_map<Graph::ValueId, BatchNorm> batch_norms = find_batch_norms(graph);
  std::unordered_set<Graph::ValueId> parts;
  for (const auto& [last, b] : batch_norms) parts.insert(b.parts.begin(), b.parts.end());
  for (const Graph::Node& node : graph.nodes()) {
    if (parts.contains(node.first_output)) continue;
    Call call;
    call.graph = &graph;
    call.node = &node;
    const auto batch_norm = batch_norms.find(node.first_output);
    if (batch_norm != batch_norms.end()) {
      const BatchNorm& b = batch_norm->second;
      for (const Graph::ValueId id : {b.x, b.weight, b.bias, b.mean, b.var})
        call.inputs.push_back(id < 0 ? Value{} : value_of(id));
      call.batch_norm = &b;
    } else {
      for (const Graph::ValueId id : node.inputs) call.inputs.push_back(value_of(id));
    }
    const OpInfo& op = node.op.info();
    if (op.identity_in_evaluation && !training()) {
      values[node.first_output] = call.inputs[0];
      continue;
    }
    const Graph::Value& first = graph.values()[static_cast<std::size_t>(node.first_output)];
    call.name = fmt::format("{}_{}", call.batch_norm ? "batch_norm" : op.name, first.number);
    if (!calls_.empty()) call.name = calls_.back().name + "." + call.name;
    call.source = graph.source_of(node);
    if (call.source.empty() && !calls_.empty()) call.source = calls_.back().source;
    bool described = true;
    for (int k = 0; k < node.num_outputs; ++k)
      described =
          described && graph.values()[static_cast<std::size_t>(node.first_output + k)].described;
    if (described)
      for (int k = 0; k < node.num_outputs; ++k) {
        const Graph::Value& v = graph.values()[static_cast<std::size_t>(node.first_output + k)];
        call.outputs.push_back({"", v.dtype, v.shape});
      }
    else if (op.kind != OpKind::kComposite)
      call.outputs = inferred(call);
    else
      call.outputs.resize(1);
    for (int k = 0; k < node.num_outputs; ++k) {
      const Graph::ValueId id = node.first_output + k;
      call.used.push_back(read[static_cast<std::size_t>(id)]);
      Value& out = call.outputs[static_cast<std::size_t>(k)];
      const auto name = names.find(id);
      out.name = name != names.end()
                     ? name->second
                     : unique(k == 0 ? call.name : fmt::format("{}.{}", call.name, k));
    }
    const std::size_t depth = calls_.size();
    try {
      emit_call(std::move(call));
    } catch (const UnsupportedError& error) {
      // The walk goes on, so that all that is lacking is named at once.
      if (depth > 0) throw;
      if (std::find(refused_.begin(), refused_.end(), error.what()) == refused_.end())
        refused_.push_back(error.what());
      calls_.resize(1);
      if (!described) break;
    }
    for (int k = 0; k < node.num_outputs; ++k)
      if (read[static_cast<std::size_t>(node.first_output + k)])
        values[node.first_output + k] = calls_.back().outputs[static_cast<std::size_t>(k)];
    calls_.pop_back();
  }
  if (refused_.empty())
    for (const Graph::Named& output : graph.outputs()) value_of(output.value);
}

// Leaves the call as the last of calls_, with its outputs described.
void Emitter::emit_call(Call call) {
  call.first_node = out_->node_size();
  call.first_described = described_.size();
  calls_.push_back(std::move(call));
  const OpValue& op = calls_.back().node->op;
  if (const BatchNorm* b = calls_.back().batch_norm) return emit_batch_norm(b->eps);
  if (const Row row = find_row(op.info()))
    row(*this, op.attrs());
  else if (op.info().compose && op.info().num_outputs == 1)
    compose();
  else
    emit_own();
}

// A user's op without a composition.
void Emitter::emit_own() {
  const Call& call = calls_.back();
  if (!call.node->symbolic.empty())
    refuse(fmt::format(
        "the attribute '{}' follows an axis, which an operator of our own domain cannot "
        "express; give the op a composition",
        call.node->symbolic[0].attr));
  const OpValue& op = call.node->op;
  Attributes attributes{{"op_version", static_cast<std::int64_t>(op.info().version)}};
  for (const NamedAttr& a : op.attr_list())
    std::visit(
        [&]<class T>(const T& v) {
          if constexpr (std::is_same_v<T, std::int64_t> || std::is_same_v<T, std::string> ||
                        std::is_same_v<T, std::vector<std::int64_t>>)
            attributes.push_back({a.name, v});
          else if constexpr (std::is_same_v<T, bool>)
            attributes.push_back({a.name, v ? 1 : 0});
          else if constexpr (std::is_same_v<T, DType>)
            attributes.push_back({a.name, code_of(v)});
          else if constexpr (std::is_same_v<T, double>)
            attributes.push_back({a.name, full({}, v, kFloat64)});
          else
            attributes.push_back(
                {a.name, tensor(v, Shape{static_cast<std::int64_t>(v.size())}, kFloat64)});
        },
        a.value);
  own_domain_ = true;
  std::vector<Value> outputs = call.outputs;
  const std::vector<Value> given =
      nodes(op.info().name, call.inputs, outputs, attributes, "catena");
  for (std::size_t k = 0; k < given.size(); ++k) result(given[k], static_cast<int>(k));
}

// --- Shapes ---

std::vector<Value> Emitter::inferred(const Call& call) const {
  Graph one;
  for (const Graph::Axis& axis : graph_.axes()) one.add_axis(axis.name, axis.example);
  std::vector<Graph::ValueId> inputs;
  for (std::size_t i = 0; i < call.inputs.size(); ++i)
    inputs.push_back(
        one.add_input(fmt::format("x{}", i), call.inputs[i].dtype, call.inputs[i].shape));
  const Graph::ValueId first = one.add_node(call.node->op, inputs, {}, call.node->symbolic);
  one.infer_shapes();
  std::vector<Value> outputs;
  for (int k = 0; k < call.node->num_outputs; ++k) {
    const Graph::Value& v = one.values()[static_cast<std::size_t>(first + k)];
    if (!v.described)
      throw UnsupportedError(
          fmt::format("[save_onnx] {}: its shape cannot be worked out", call.node->op.info().name));
    outputs.push_back({"", v.dtype, v.shape});
  }
  return outputs;
}

// --- The call at hand ---

bool Emitter::has(int input) const {
  return static_cast<std::size_t>(input) < calls_.back().inputs.size();
}
const Value& Emitter::in(int input) const {
  static const Value none;
  return has(input) ? calls_.back().inputs[static_cast<std::size_t>(input)] : none;
}
int Emitter::num_inputs() const { return static_cast<int>(calls_.back().inputs.size()); }
const Value& Emitter::out(int k) const {
  return calls_.back().outputs[static_cast<std::size_t>(k)];
}
bool Emitter::used(int k) const { return calls_.back().used[static_cast<std::size_t>(k)]; }

std::vector<Value> Emitter::operands() {
  const Call& call = calls_.back();
  const PointwiseRule& rule = call.node->op.info().pointwise;
  const auto first = static_cast<std::size_t>(rule.first_promoted);
  std::vector<Value> list = call.inputs;
  DType dtype = list[first].dtype;
  for (std::size_t i = first + 1; i < list.size(); ++i) dtype = promote(dtype, list[i].dtype);
  if (rule.integer_to_float && !is_floating(dtype)) dtype = kFloat32;
  for (std::size_t i = first; i < list.size(); ++i) list[i] = cast(list[i], dtype);
  return list;
}

SymbolicShape Emitter::sizes_of(std::string_view attribute) const {
  const Graph::Node& node = *calls_.back().node;
  const AttrValue value = node.op.get(attribute);
  SymbolicShape shape;
  if (const auto* one = std::get_if<std::int64_t>(&value))
    shape.push_back(*one);
  else
    for (const std::int64_t v : std::get<std::vector<std::int64_t>>(value)) shape.push_back(v);
  for (const Graph::SymbolicAttr& s : node.symbolic)
    if (s.attr == attribute) shape[static_cast<std::size_t>(std::max(s.element, 0))] = s.value;
  return shape;
}
SymbolicInt Emitter::size_of(std::string_view attribute) const { return sizes_of(attribute)[0]; }

std::vector<std::int64_t> Emitter::resolved(const Shape& dims, int rank) {
  std::vector<std::int64_t> list;
  for (const std::int64_t d : dims) list.push_back(resolved(d, rank));
  for (int d = 0; d < rank && dims.empty(); ++d) list.push_back(d);
  std::sort(list.begin(), list.end());
  return list;
}

void Emitter::result(const Value& v, int k) {
  Call& call = calls_.back();
  Value& out = call.outputs[static_cast<std::size_t>(k)];
  // A value made by this call is renamed; any other gets a copy.
  bool own = false;
  for (int n = call.first_node; n < out_->node_size() && !own; ++n)
    for (const std::string& name : out_->node(n).output())
      own = own || (name == v.name && out_->node(n).op_type() != "Constant");
  for (const Value& other : call.outputs) own = own && other.name != v.name;
  for (const auto& [axis, size] : axis_sizes_) own = own && size.name != v.name;
  const std::string name = out.name;
  const Value given = own ? v : unary("Identity", v);
  rename(given.name, name);
  // The shape rule knows best, but for composites, of which only the operators know.
  if (call.node->op.info().kind == OpKind::kComposite) out = given;
  out.name = name;
  for (std::size_t i = call.first_described; i < described_.size(); ++i)
    if (described_[i].name == name) described_[i] = out;
}

void Emitter::rename(const std::string& from, const std::string& to) {
  const Call& call = calls_.back();
  for (int n = call.first_node; n < out_->node_size(); ++n) {
    onnx_model::NodeProto* node = out_->mutable_node(n);
    for (std::string& name : *node->mutable_output())
      if (name == from) name = to;
    for (std::string& name : *node->mutable_input())
      if (name == from) name = to;
    if (node->name() == from) node->set_name(to);
  }
  for (std::size_t i = call.first_described; i < described_.size(); ++i)
    if (described_[i].name == from) described_[i].name = to;
}

void Emitter::refuse(std::string_view what) const {
  const Call* call = calls_.empty() ? nullptr : &calls_.back();
  throw UnsupportedError(fmt::format(
      "{}: {}{}", call ? call->node->op.info().name : "graph", what,
      call && !call->source.empty() ? fmt::format(" (called at {})", call->source) : ""));
}

Shape Emitter::fixed(const SymbolicShape& shape, std::string_view what) const {
  Shape sizes;
  for (const SymbolicInt& s : shape) {
    if (!s.is_constant())
      refuse(
          fmt::format("{} follows an axis ({}); expected numbers, as ONNX has no operator that "
                      "could compute it",
                      what, to_string(s, graph_.axis_names())));
    sizes.push_back(s.offset());
  }
  return sizes;
}

void Emitter::need_opset(int needed, std::string_view what) const {
  if (opset() < needed)
    refuse(fmt::format("{} needs opset {}; {} was asked for", what, needed, opset()));
}

}  // namespace catena::onnx_export
