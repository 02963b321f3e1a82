#include "catena/serialization/onnx/import/build.hpp"

#include <algorithm>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "catena/serialization/onnx/import/analysis.hpp"
#include "catena/serialization/onnx/import/operators.hpp"
#include "catena/serialization/onnx/import/own.hpp"
#include "catena/serialization/onnx/import/part_reader.hpp"
#include "catena_onnx_model.pb.h"

namespace catena::onnx {
namespace {

using namespace onnx_model;
using Opsets = std::map<std::string, std::int64_t>;

// The names of a graph; a body also sees those around it.
struct Scope {
  const Scope* around = nullptr;
  std::unordered_map<std::string, int> values;

  const int* find(const std::string& name) const {
    for (const Scope* s = this; s; s = s->around)
      if (const auto it = s->values.find(name); it != s->values.end()) return &it->second;
    return nullptr;
  }
};

// What a function's call says its attributes are.
using Bindings = std::unordered_map<std::string, const AttributeProto*>;

struct Context {
  const Opsets* opsets = nullptr;
  const Bindings* bindings = nullptr;
  int depth = 0;
};

class Builder {
 public:
  Builder(const ModelProto& model, const std::string& where, const std::string& folder,
          const OnnxLoadOptions& options, const detail::TimeLimit& limit,
          const std::source_location& loc)
      : model_(model),
        where_(where),
        options_(options),
        limit_(limit),
        reader_(where, folder, options, limit, loc) {}

  std::shared_ptr<const Program> build() {
    if (model_.ir_version() < 1) reader_.damaged("ir_version", "missing");
    if (model_.ir_version() > kNewestIr)
      reader_.lacks(fmt::format("IR version {} (known up to {})", model_.ir_version(), kNewestIr));
    if (!model_.has_graph()) reader_.damaged("graph", "missing");
    const Opsets opsets = read_opsets(model_.opset_import(), "opset_import");
    for (const FunctionProto& f : model_.functions()) functions_[function_key(f)] = &f;
    program_->path = where_;
    program_->max_bytes = options_.max_bytes;
    program_->max_steps = options_.max_steps;
    program_->max_seconds = options_.max_seconds;
    read_info(opsets);

    const GraphProto& graph = model_.graph();
    Scope scope;
    std::vector<Initializer> initializers = read_initializers(graph, scope);
    std::unordered_set<std::string> initialized;
    for (const Initializer& i : initializers) initialized.insert(i.name);
    std::unordered_map<std::string, Tensor> fixed;
    for (const auto& [name, tensor] : options_.fixed_inputs) fixed[name] = tensor;
    for (const ValueInfoProto& input : graph.input()) {
      if (initialized.contains(input.name())) continue;  // a default, as IR version 3 lists them
      if (const auto it = fixed.find(input.name()); it != fixed.end()) {
        constants_.push_back(
            {"", define(input.name(), scope, "input"), it->second.detach().to(kCpu)});
        fixed.erase(it);
        continue;
      }
      program_->main.inputs.push_back(define(input.name(), scope, "input"));
      program_->inputs.push_back(reader_.value(input, "input"));
    }
    if (!fixed.empty())
      reader_.too_much(fmt::format("there is no input '{}' to be fixed", fixed.begin()->first));
    add_nodes(graph.node(), scope, Context{&opsets, nullptr, 0}, program_->main);
    choose_outputs(graph, scope);
    program_->num_values = next_;

    drop_unneeded(&program_->main);
    collect_unsupported(program_->main, &reader_.unsupported());
    if (!reader_.unsupported().empty()) reader_.throw_unsupported();
    sort_initializers(std::move(initializers), program_.get());
    note_last_uses(&program_->main);
    fold_constants(program_.get(), limit_);
    return program_;
  }

 private:
  static constexpr std::int64_t kNewestIr = 14;

  template <class List>
  Opsets read_opsets(const List& list, std::string_view field) const {
    Opsets opsets;
    for (const OperatorSetIdProto& id : list) {
      if (id.version() < 1 || id.version() > 1'000'000)
        reader_.damaged(field, fmt::format("version {} of '{}'", id.version(), id.domain()));
      auto& version = opsets[domain_of(id.domain())];
      version = std::max<std::int64_t>(version, id.version());
    }
    return opsets;
  }

  static std::string function_key(const FunctionProto& f) {
    return domain_of(f.domain()) + ':' + f.name() + ':' + f.overload();
  }

  void read_info(const Opsets& opsets) {
    OnnxInfo& info = program_->info;
    info.ir_version = model_.ir_version();
    if (const auto it = opsets.find(""); it != opsets.end()) info.opset = it->second;
    info.producer = model_.producer_name();
    info.graph_name = model_.graph().name();
    for (const auto& entry : model_.metadata_props())
      info.metadata.emplace_back(entry.key(), entry.value());
  }

  int define(const std::string& name, Scope& scope, std::string_view what) {
    if (name.empty()) reader_.damaged(what, "a value without a name");
    if (!scope.values.emplace(name, next_).second)
      reader_.damaged(what, fmt::format("'{}' is defined twice; expected one definition", name));
    return next_++;
  }

  std::vector<Initializer> read_initializers(const GraphProto& graph, Scope& scope) {
    std::vector<Initializer> found;
    if (graph.sparse_initializer_size() > 0) reader_.lacks("sparse initializers");
    for (const auto& proto : graph.initializer()) {
      const int value = define(proto.name(), scope, "initializer");
      found.push_back({proto.name(), value, reader_.tensor(proto, "initializer")});
    }
    return found;
  }

  template <class List>
  void add_nodes(const List& nodes, Scope& scope, const Context& context, Block& block) {
    if (context.depth > options_.max_depth)
      reader_.too_much(fmt::format(
          "bodies and functions are nested deeper than {}; raise max_depth", options_.max_depth));
    for (const NodeProto& proto : nodes) {
      limit_.check();
      if (++num_nodes_ > options_.max_nodes)
        reader_.too_much(fmt::format("more than {} nodes; raise max_nodes", options_.max_nodes));
      add_node(proto, scope, context, block);
    }
  }

  std::vector<int> read_inputs(const NodeProto& proto, const Scope& scope) const {
    std::vector<int> inputs;
    for (const std::string& name : proto.input()) {
      if (name.empty()) {
        inputs.push_back(-1);
        continue;
      }
      const int* value = scope.find(name);
      if (!value)
        reader_.damaged(
            fmt::format("node '{}' ({})", proto.name(), proto.op_type()),
            fmt::format("its input '{}' is not defined before it; expected nodes in order, "
                        "without a cycle",
                        name));
      inputs.push_back(*value);
    }
    return inputs;
  }

  void add_node(const NodeProto& proto, Scope& scope, const Context& context, Block& block) {
    const std::string domain = domain_of(proto.domain());
    const auto function = functions_.find(domain + ':' + proto.op_type() + ':' + proto.overload());
    if (function != functions_.end())
      return add_call(proto, *function->second, scope, context, block);
    Node node;
    node.type = proto.op_type();
    node.name = proto.name();
    node.inputs = read_inputs(proto, scope);
    const auto opset = context.opsets->find(domain);
    node.opset = opset == context.opsets->end() ? 0 : static_cast<int>(opset->second);
    if (domain.empty()) {
      if (node.opset == 0)
        reader_.damaged("opset_import", "no version of ONNX's own operators, which the nodes need");
      node.op = find_operator(node.type, node.opset);
    } else {
      node.type = domain + '.' + node.type;
      if (domain == "catena") node.op = find_own_operator(node.type);
    }
    for (const AttributeProto& a : proto.attribute())
      if (const AttributeProto* bound = resolve(a, context))
        node.attributes.push_back(read_attribute(*bound, a.name(), proto, scope, context));
    for (const std::string& name : proto.output())
      node.outputs.push_back(name.empty() ? -1 : define(name, scope, "node output"));
    while (!node.outputs.empty() && node.outputs.back() < 0) node.outputs.pop_back();
    block.nodes.push_back(std::move(node));
  }

  // A function's body in the place of its call.
  void add_call(const NodeProto& proto, const FunctionProto& function, Scope& scope,
                const Context& context, Block& block) {
    const std::vector<int> inputs = read_inputs(proto, scope);
    if (inputs.size() > static_cast<std::size_t>(function.input_size()))
      reader_.damaged(
          fmt::format("node '{}' ({})", proto.name(), proto.op_type()),
          fmt::format("{} inputs; the function has {}", inputs.size(), function.input_size()));
    Scope inner;
    for (int i = 0; i < function.input_size(); ++i)
      if (!inner.values
               .emplace(function.input(i), static_cast<std::size_t>(i) < inputs.size()
                                               ? inputs[static_cast<std::size_t>(i)]
                                               : -1)
               .second)
        reader_.damaged(fmt::format("function '{}'", function.name()), "an input is listed twice");
    Bindings bindings;
    for (const AttributeProto& a : function.attribute_proto()) bindings[a.name()] = &a;
    for (const AttributeProto& a : proto.attribute())
      if (const AttributeProto* bound = resolve(a, context)) bindings[a.name()] = bound;
    const Opsets opsets = read_opsets(function.opset_import(), "opset_import of a function");
    add_nodes(function.node(), inner, Context{&opsets, &bindings, context.depth + 1}, block);
    if (proto.output_size() > function.output_size())
      reader_.damaged(fmt::format("node '{}' ({})", proto.name(), proto.op_type()),
                      fmt::format("{} outputs; the function has {}", proto.output_size(),
                                  function.output_size()));
    for (int k = 0; k < proto.output_size(); ++k) {
      if (proto.output(k).empty()) continue;
      const int* value = inner.find(function.output(k));
      if (!value)
        reader_.damaged(fmt::format("function '{}'", function.name()),
                        fmt::format("its output '{}' is not defined", function.output(k)));
      if (!scope.values.emplace(proto.output(k), *value).second)
        reader_.damaged("node output", fmt::format("'{}' is defined twice", proto.output(k)));
    }
  }

  // The attribute itself, or in a function what its caller gave; null: nothing.
  const AttributeProto* resolve(const AttributeProto& a, const Context& context) const {
    if (a.ref_attr_name().empty()) return &a;
    if (!context.bindings)
      reader_.damaged(fmt::format("attribute '{}'", a.name()),
                      "refers to a function, but is in none");
    const auto it = context.bindings->find(a.ref_attr_name());
    return it == context.bindings->end() ? nullptr : it->second;
  }

  Attribute read_attribute(const AttributeProto& a, const std::string& name, const NodeProto& node,
                           Scope& scope, const Context& context) {
    const bool is_graph =
        a.type() == AttributeProto::GRAPH || (a.type() == AttributeProto::UNDEFINED && a.has_g());
    if (!is_graph) return reader_.attribute(a, name, node.name());
    Attribute out;
    out.name = name;
    out.kind = Attribute::Kind::kGraph;
    out.block = read_body(a.g(), scope, context);
    return out;
  }

  std::shared_ptr<Block> read_body(const GraphProto& graph, const Scope& around,
                                   const Context& context) {
    auto block = std::make_shared<Block>();
    Scope scope;
    scope.around = &around;
    std::vector<Initializer> initializers = read_initializers(graph, scope);
    std::unordered_set<std::string> initialized;
    for (Initializer& i : initializers) {
      initialized.insert(i.name);
      constants_.push_back(std::move(i));
    }
    for (const ValueInfoProto& input : graph.input()) {
      if (initialized.contains(input.name())) continue;
      block->inputs.push_back(define(input.name(), scope, "input of a body"));
      if (input.has_type()) reader_.value(input, "input of a body");
    }
    Context inner = context;
    ++inner.depth;
    add_nodes(graph.node(), scope, inner, *block);
    for (const ValueInfoProto& output : graph.output()) {
      const int* value = scope.find(output.name());
      if (!value)
        reader_.damaged("body", fmt::format("its output '{}' is not defined", output.name()));
      block->outputs.push_back(*value);
      if (output.has_type()) reader_.value(output, "output of a body");
    }
    return block;
  }

  void choose_outputs(const GraphProto& graph, const Scope& scope) {
    std::unordered_map<std::string, const ValueInfoProto*> described;
    for (const ValueInfoProto& v : graph.value_info()) described[v.name()] = &v;
    for (const ValueInfoProto& v : graph.output()) described[v.name()] = &v;
    std::vector<std::string> names = options_.outputs;
    const bool own = names.empty();
    if (own)
      for (const ValueInfoProto& v : graph.output()) names.push_back(v.name());
    for (const std::string& name : names) {
      const auto it = scope.values.find(name);
      if (it == scope.values.end()) {
        if (own) reader_.damaged("output", fmt::format("'{}' is not defined", name));
        reader_.too_much(
            fmt::format("there is no value '{}' to be an output; expected the name of one that "
                        "the model computes",
                        name));
      }
      program_->main.outputs.push_back(it->second);
      OnnxValue value;
      value.name = name;
      if (const auto d = described.find(name); d != described.end())
        value = reader_.value(*d->second, "output");
      program_->outputs.push_back(std::move(value));
    }
    if (names.empty()) reader_.damaged("output", "the graph has none");
  }

  // Initializers by what they are used for.
  void sort_initializers(std::vector<Initializer> initializers, Program* program) {
    const std::vector<Use> uses = uses_of(*program);
    for (Initializer& i : initializers) {
      const Use use = uses[static_cast<std::size_t>(i.value)];
      if (use == Use::kNone) continue;
      if (use == Use::kStatistics)
        program->statistics.push_back(std::move(i));
      else if (use == Use::kTrained && is_floating(i.tensor.dtype()) && i.tensor.rank() > 0)
        program->parameters.push_back(std::move(i));
      else
        program->constants.push_back(std::move(i));
    }
    for (Initializer& i : constants_) program->constants.push_back(std::move(i));
    count_operators(program->main, &program->info);
  }

  const ModelProto& model_;
  const std::string& where_;
  const OnnxLoadOptions& options_;
  const detail::TimeLimit& limit_;
  PartReader reader_;
  std::shared_ptr<Program> program_ = std::make_shared<Program>();
  std::unordered_map<std::string, const FunctionProto*> functions_;
  std::vector<Initializer> constants_;
  std::uint64_t num_nodes_ = 0;
  int next_ = 0;
};

}  // namespace

std::shared_ptr<const Program> build_program(const ModelProto& model, const std::string& where,
                                             const std::string& folder,
                                             const OnnxLoadOptions& options,
                                             const detail::TimeLimit& limit,
                                             const std::source_location& loc) {
  return Builder(model, where, folder, options, limit, loc).build();
}

}  // namespace catena::onnx
