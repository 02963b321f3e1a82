#include "catena/serialization/header_codec.hpp"

#include <algorithm>
#include <map>
#include <set>

#include <fmt/format.h>

#include "catena/graph/deferral.hpp"
#include "catena/graph/registry.hpp"
#include "catena/serialization/layout.hpp"
#include "catena/serialization/upgrade.hpp"

#include "catena_file.pb.h"

namespace catena::detail {

using namespace file_format;

// Files number the dtypes as the library does, from 1.
static_assert(DTYPE_FLOAT32 == static_cast<int>(kFloat32) + 1);
static_assert(DTYPE_BOOL == static_cast<int>(kBool) + 1);
static_assert(DTYPE_BFLOAT16 == static_cast<int>(kBFloat16) + 1);
static_assert(DTYPE_UINT64 == static_cast<int>(kUInt64) + 1 && DTYPE_UINT64 == kNumDTypes);

int dtype_code(DType dtype) { return static_cast<int>(dtype) + 1; }

bool dtype_from_code(int code, DType* dtype) {
  if (code < 1 || code > kNumDTypes) return false;
  *dtype = static_cast<DType>(code - 1);
  return true;
}

std::uint32_t TensorTable::add(const Tensor& tensor) {
  const TensorImpl* t = tensor.impl();
  ensure_ready(tensor.impl());
  const auto next = static_cast<std::uint32_t>(tensors_.size());
  const std::string key =
      fmt::format("{} {} {} {} {} {}", fmt::ptr(t->storage), t->offset, static_cast<int>(t->dtype),
                  to_string(t->shape), to_string(t->strides), t->requires_grad);
  const auto [it, is_new] = known_.try_emplace(key, next);
  if (is_new) tensors_.push_back(tensor);
  return it->second;
}

// --- Writing ---

namespace {

void write_size(const SymbolicInt& size, SizeRecord* record) {
  record->set_offset(size.offset());
  record->set_coefficient(size.coefficient());
  for (int i = 0; i < size.num_axes(); ++i)
    record->add_axes(static_cast<std::uint32_t>(size.axis_at(i)));
  record->set_unknown(!size.is_known());
}

DTypeCode code_of(DType dtype) { return static_cast<DTypeCode>(dtype_code(dtype)); }

}  // namespace

void write_attribute(const std::string& name, const AttrValue& value, AttributeRecord* record) {
  record->set_name(name);
  struct Writer {
    AttributeRecord* r;
    void operator()(std::int64_t v) const { r->set_integer(v); }
    void operator()(double v) const { r->set_real(v); }
    void operator()(bool v) const { r->set_boolean(v); }
    void operator()(const std::string& v) const { r->set_text(v); }
    void operator()(DType v) const { r->set_dtype(code_of(v)); }
    void operator()(const std::vector<std::int64_t>& v) const {
      r->mutable_integers()->mutable_values()->Add(v.begin(), v.end());
    }
    void operator()(const std::vector<double>& v) const {
      r->mutable_reals()->mutable_values()->Add(v.begin(), v.end());
    }
  };
  std::visit(Writer{record}, value);
}

void write_graph(const Graph& graph, TensorTable* tensors, GraphRecord* record) {
  for (const Graph::Axis& axis : graph.axes()) {
    AxisRecord* r = record->add_axes();
    r->set_name(axis.name);
    r->set_example(axis.example);
  }
  // The file's numbers of the values; see GraphRecord.
  std::vector<std::uint32_t> number(graph.values().size(), 0);
  std::uint32_t next = 0;
  for (const Graph::Named& in : graph.inputs()) {
    const Graph::Value& v = graph.values()[static_cast<std::size_t>(in.value)];
    InputRecord* r = record->add_inputs();
    r->set_name(in.name);
    r->set_dtype(code_of(v.dtype));
    for (const SymbolicInt& size : v.shape) write_size(size, r->add_shape());
    number[static_cast<std::size_t>(in.value)] = next++;
  }
  std::map<std::uint32_t, std::uint32_t> number_of_tensor;
  for (const Graph::Named& p : graph.parameters()) {
    const std::uint32_t index = tensors->add(graph.tensor(p.value));
    NamedIndex* r = record->add_parameters();
    r->set_name(p.name);
    r->set_index(index);
    const auto [it, is_new] = number_of_tensor.try_emplace(index, next);
    if (is_new) ++next;
    number[static_cast<std::size_t>(p.value)] = it->second;
  }
  for (const Graph::Named& c : graph.constants()) {
    NamedIndex* r = record->add_constants();
    r->set_name(c.name);
    r->set_index(tensors->add(graph.tensor(c.value)));
    number[static_cast<std::size_t>(c.value)] = next++;
  }
  for (const std::string& file : graph.source_files().subspan(1)) record->add_source_files(file);
  std::map<const OpInfo*, std::uint32_t> op_numbers;
  for (const Graph::Node& node : graph.nodes()) {
    const OpInfo& info = node.op.info();
    const auto [it, is_new] =
        op_numbers.try_emplace(&info, static_cast<std::uint32_t>(op_numbers.size()));
    if (is_new) {
      OpRecord* r = record->add_ops();
      r->set_name(info.name);
      r->set_version(info.version);
    }
    NodeRecord* r = record->add_nodes();
    r->set_op(it->second);
    for (Graph::ValueId id : node.inputs) r->add_inputs(number[static_cast<std::size_t>(id)]);
    AttrList attrs = node.op.attr_list();
    std::sort(attrs.begin(), attrs.end(),
              [](const NamedAttr& a, const NamedAttr& b) { return a.name < b.name; });
    for (const NamedAttr& attr : attrs) {
      AttributeRecord* a = r->add_attributes();
      write_attribute(attr.name, attr.value, a);
      for (const Graph::SymbolicAttr& s : node.symbolic)
        if (s.attr == attr.name) {
          SymbolicRecord* symbol = a->add_symbolic();
          symbol->set_element(static_cast<std::uint32_t>(s.element + 1));
          write_size(s.value, symbol->mutable_value());
        }
    }
    r->set_source_file(node.source.file);
    r->set_source_line(node.source.line);
    for (int k = 0; k < node.num_outputs; ++k)
      number[static_cast<std::size_t>(node.first_output + k)] = next++;
  }
  for (const Graph::Named& o : graph.outputs()) {
    NamedIndex* r = record->add_outputs();
    r->set_name(o.name);
    r->set_index(number[static_cast<std::size_t>(o.value)]);
  }
}

// --- Reading ---

namespace {

SymbolicInt read_size(const SizeRecord& record, std::size_t num_axes, const std::string& path,
                      const std::string& field) {
  if (record.unknown()) return SymbolicInt::unknown();
  if (record.axes_size() > SymbolicInt::kMaxFactors)
    bad_file(path, field, fmt::format("a product of {} axes", record.axes_size()),
             fmt::format("at most {}", +SymbolicInt::kMaxFactors));
  std::vector<int> axes;
  for (std::uint32_t axis : record.axes()) {
    if (axis >= num_axes)
      bad_file(path, field, fmt::format("axis {}", axis), fmt::format("less than {}", num_axes));
    axes.push_back(static_cast<int>(axis));
  }
  if (axes.empty()) return SymbolicInt(record.offset());
  return SymbolicInt(record.coefficient(), axes, record.offset());
}

DType read_dtype(int code, const std::string& path, const std::string& field) {
  DType dtype;
  if (!dtype_from_code(code, &dtype))
    throw UnsupportedError(
        fmt::format("[load] '{}': {}: dtype {}; expected 1 to {}", path, field, code, kNumDTypes));
  return dtype;
}

// Of one node; more would only make a hostile file slow to refuse.
constexpr int kMaxAttributes = 256;
constexpr std::size_t kMaxSymbolic = 1024;

// One node of the file as a call of today's op.
OpValue read_op(const NodeRecord& node, const OpRecord& op, const std::string& path,
                const std::string& field) {
  const OpInfo& info = get_op(op.name());
  AttrList attrs;
  if (node.attributes_size() > kMaxAttributes)
    bad_file(path, field, fmt::format("{} attributes", node.attributes_size()),
             fmt::format("at most {}", kMaxAttributes));
  for (const AttributeRecord& a : node.attributes()) {
    attrs.push_back({a.name(), read_attribute(a, path, field)});
    for (std::size_t i = 0; i + 1 < attrs.size(); ++i)
      if (attrs[i].name == a.name())
        bad_file(path, field, fmt::format("attribute '{}' twice", a.name()), "each once");
  }
  if (!upgrade_attrs(op.name(), op.version(), info.version, &attrs))
    throw UnsupportedError(fmt::format(
        "[load] '{}': {}: saved at version {} of the op, this build has version {} and no upgrade; "
        "add one with register_upgrade",
        path, field, op.version(), info.version));
  OpValue value(info);
  for (const NamedAttr& a : attrs) {
    const bool known = std::any_of(info.attrs.begin(), info.attrs.end(),
                                   [&](const AttrInfo& i) { return a.name == i.name; });
    if (!known) bad_file(path, field, fmt::format("attribute '{}'", a.name), "one of the op's");
    value.set(a.name, a.value);
  }
  for (const AttrInfo& i : info.attrs)
    if (std::none_of(attrs.begin(), attrs.end(),
                     [&](const NamedAttr& a) { return a.name == i.name; }))
      bad_file(path, field, fmt::format("no attribute '{}'", i.name), "all of the op's");
  return value;
}

void check_ops(const GraphRecord& record, const std::string& path) {
  const std::vector<std::string> unknown = unknown_ops(record);
  if (!unknown.empty())
    throw UnsupportedError(fmt::format(
        "[load] '{}': the graph uses ops that are not registered: {}; register them with "
        "register_op, or load the library that does",
        path, fmt::join(unknown, ", ")));
  for (const OpRecord& op : record.ops()) {
    const OpInfo& info = get_op(op.name());
    if (op.version() > info.version)
      throw UnsupportedError(
          fmt::format("[load] '{}': op '{}' was saved at version {}; this build has version {}; "
                      "use a newer one",
                      path, op.name(), op.version(), info.version));
    if (op.version() == 0)
      bad_file(path, fmt::format("version of op '{}'", op.name()), "0", "1 or more");
  }
}

}  // namespace

AttrValue read_attribute(const AttributeRecord& record, const std::string& path,
                         const std::string& field) {
  switch (record.value_case()) {
    case AttributeRecord::kInteger:
      return std::int64_t{record.integer()};
    case AttributeRecord::kReal:
      return record.real();
    case AttributeRecord::kBoolean:
      return record.boolean();
    case AttributeRecord::kText:
      return record.text();
    case AttributeRecord::kDtype:
      return read_dtype(record.dtype(), path, fmt::format("{}: '{}'", field, record.name()));
    case AttributeRecord::kIntegers: {
      const auto& values = record.integers().values();
      return std::vector<std::int64_t>(values.begin(), values.end());
    }
    case AttributeRecord::kReals: {
      const auto& values = record.reals().values();
      return std::vector<double>(values.begin(), values.end());
    }
    case AttributeRecord::VALUE_NOT_SET:
      break;
  }
  bad_file(path, fmt::format("{}: '{}'", field, record.name()),
           "no value or one of an unknown type", "an integer, real, boolean, text, dtype or list");
}

Shape read_sizes(const TensorRecord& record) {
  return Shape(std::vector<std::int64_t>(record.sizes().begin(), record.sizes().end()));
}

SymbolicShape read_input_shape(const InputRecord& record, std::size_t num_axes,
                               const std::string& path, const std::string& field) {
  if (record.shape_size() > kMaxRank)
    bad_file(path, field, fmt::format("rank {}", record.shape_size()),
             fmt::format("at most {}", +kMaxRank));
  SymbolicShape shape;
  for (const SizeRecord& size : record.shape())
    shape.push_back(read_size(size, num_axes, path, field));
  return shape;
}

std::vector<std::string> unknown_ops(const GraphRecord& record) {
  std::set<std::string> names;
  for (const OpRecord& op : record.ops())
    if (!find_op(op.name())) names.insert(op.name());
  return {names.begin(), names.end()};
}

Graph read_graph(const GraphRecord& record, const std::vector<Tensor>& tensors,
                 const std::string& path, const TimeLimit& limit) {
  check_ops(record, path);
  const auto num_axes = static_cast<std::size_t>(record.axes_size());
  const auto tensor_at = [&](const NamedIndex& entry, const char* what) {
    if (entry.index() >= tensors.size())
      bad_file(path, fmt::format("{} '{}'", what, entry.name()),
               fmt::format("tensor {}", entry.index()),
               fmt::format("less than {}", tensors.size()));
    return tensors[entry.index()];
  };
  Graph graph;
  std::string field = "graph";
  try {
    for (const AxisRecord& axis : record.axes()) graph.add_axis(axis.name(), axis.example());
    for (const InputRecord& in : record.inputs()) {
      field = fmt::format("input '{}'", in.name());
      graph.add_input(in.name(), read_dtype(in.dtype(), path, field),
                      read_input_shape(in, num_axes, path, field));
    }
    std::map<std::uint32_t, Graph::ValueId> value_of_tensor;
    for (const NamedIndex& p : record.parameters()) {
      field = "parameters";
      const Tensor tensor = tensor_at(p, "parameter");
      const auto it = value_of_tensor.find(p.index());
      if (it != value_of_tensor.end())
        graph.tie_parameter(p.name(), it->second);
      else
        value_of_tensor[p.index()] = graph.add_parameter(p.name(), tensor);
    }
    for (const NamedIndex& c : record.constants()) {
      field = "constants";
      graph.add_constant(tensor_at(c, "constant"), c.name());
    }
    std::vector<Graph::Source> files{{}};
    for (const std::string& file : record.source_files()) files.push_back(graph.source(file, 0));
    for (int k = 0; k < record.nodes_size(); ++k) {
      limit.check();
      const NodeRecord& node = record.nodes(k);
      field = fmt::format("node {} of {}", k, record.nodes_size());
      if (node.op() >= static_cast<std::uint32_t>(record.ops_size()))
        bad_file(path, field, fmt::format("op {}", node.op()),
                 fmt::format("less than {}", record.ops_size()));
      const OpRecord& op = record.ops(static_cast<int>(node.op()));
      field += fmt::format(" ({})", op.name());
      std::vector<Graph::ValueId> inputs;
      for (std::uint32_t value : node.inputs()) {
        if (value >= graph.values().size())
          bad_file(path, field, fmt::format("input value {}", value),
                   fmt::format("one defined before, less than {}", graph.values().size()));
        inputs.push_back(static_cast<Graph::ValueId>(value));
      }
      if (node.source_file() >= files.size())
        bad_file(path, field, fmt::format("source file {}", node.source_file()),
                 fmt::format("less than {}", files.size()));
      Graph::Source source = files[node.source_file()];
      source.line = node.source_line();
      std::vector<Graph::SymbolicAttr> symbolic;
      for (const AttributeRecord& a : node.attributes())
        for (const SymbolicRecord& s : a.symbolic()) {
          if (symbolic.size() == kMaxSymbolic)
            bad_file(path, field, "more attribute elements that follow axes",
                     fmt::format("at most {}", kMaxSymbolic));
          if (s.element() > 0x7fffffff)
            bad_file(path, field, fmt::format("attribute element {}", s.element()), "less");
          symbolic.push_back({a.name(), static_cast<std::int32_t>(s.element()) - 1,
                              read_size(s.value(), num_axes, path, field)});
        }
      graph.add_node(read_op(node, op, path, field), std::move(inputs), source,
                     std::move(symbolic));
    }
    for (const NamedIndex& o : record.outputs()) {
      field = fmt::format("output '{}'", o.name());
      if (o.index() >= graph.values().size())
        bad_file(path, field, fmt::format("value {}", o.index()),
                 fmt::format("less than {}", graph.values().size()));
      graph.add_output(o.name(), static_cast<Graph::ValueId>(o.index()));
    }
    field = "shapes";
    graph.infer_shapes();
  } catch (const ArgumentError& e) {
    throw SystemError(
        fmt::format("[load] '{}': {}: {}; the file is damaged or was not written by "
                    "Catena",
                    path, field, e.what()));
  }
  return graph;
}

}  // namespace catena::detail
