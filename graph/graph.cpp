#include "catena/graph/graph.hpp"

#include <algorithm>

#include <fmt/format.h>
#include <boost/container/small_vector.hpp>

#include "catena/graph/dispatch.hpp"

namespace catena {

std::vector<std::string> Graph::axis_names() const {
  std::vector<std::string> names;
  for (const Axis& axis : axes_) names.push_back(axis.name);
  return names;
}

const Tensor& Graph::tensor(ValueId value) const {
  const auto it = tensors_.find(value);
  if (it == tensors_.end())
    throw ArgumentError(fmt::format(
        "[graph] value {} is no parameter and no constant, so it has no tensor", value));
  return it->second;
}

std::vector<NamedTensor> Graph::named_parameters() const {
  std::vector<NamedTensor> result;
  for (const Named& p : parameters_) result.emplace_back(p.name, tensor(p.value));
  return result;
}

std::string Graph::source_of(const Node& node) const {
  if (node.source.file == 0) return "";
  return fmt::format("{}:{}", files_[node.source.file], node.source.line);
}

std::string Graph::name_of(ValueId value) const {
  const auto it = names_.find(value);
  if (it != names_.end()) return it->second;
  return fmt::format("%{}", values_[static_cast<std::size_t>(value)].number);
}

// --- Building ---

void Graph::check_new_name(std::string_view name, std::string_view what) {
  if (name.empty()) throw ArgumentError(fmt::format("[graph] {} without a name", what));
  if (by_name_.contains(std::string(name)))
    throw ArgumentError(
        fmt::format("[graph] the name '{}' of {} is taken; expected a name used once", name, what));
}

void Graph::check_value(ValueId value, std::string_view what) const {
  if (value < 0 || static_cast<std::size_t>(value) >= values_.size())
    throw ArgumentError(
        fmt::format("[graph] {} is value {}; expected one defined before it, 0 to {}", what, value,
                    static_cast<std::int64_t>(values_.size()) - 1));
}

Graph::ValueId Graph::new_value(ValueKind kind) {
  if (values_.size() >= 0x7fffffff) throw ArgumentError("[graph] more than 2^31 values");
  values_.emplace_back();
  values_.back().kind = kind;
  if (kind == ValueKind::kResult) values_.back().number = num_results_++;
  return static_cast<ValueId>(values_.size() - 1);
}

int Graph::add_axis(std::string name, std::int64_t example) {
  if (name.empty()) throw ArgumentError("[graph] axis without a name");
  if (std::any_of(axes_.begin(), axes_.end(), [&](const Axis& a) { return a.name == name; }))
    throw ArgumentError(fmt::format("[graph] two axes are named '{}'", name));
  if (example < 0)
    throw ArgumentError(
        fmt::format("[graph] axis '{}' has the example size {}; expected >= 0", name, example));
  if (axes_.size() >= 64) throw ArgumentError("[graph] more than 64 axes");
  axes_.push_back({std::move(name), example});
  return static_cast<int>(axes_.size()) - 1;
}

Graph::ValueId Graph::add_input(std::string name, DType dtype, SymbolicShape shape) {
  check_new_name(name, "an input");
  if (shape.size() > static_cast<std::size_t>(kMaxRank)) detail::throw_rank(shape.size());
  for (const SymbolicInt& size : shape) {
    if (size.is_constant() && size.offset() < 0)
      throw ArgumentError(
          fmt::format("[graph] input '{}' has the negative size {}", name, size.offset()));
    for (int i = 0; i < size.num_axes(); ++i)
      if (static_cast<std::size_t>(size.axis_at(i)) >= axes_.size())
        throw ArgumentError(fmt::format("[graph] input '{}' uses axis {} of {}", name,
                                        size.axis_at(i), axes_.size()));
  }
  const ValueId id = new_value(ValueKind::kInput);
  values_.back().described = true;
  values_.back().dtype = dtype;
  values_.back().shape = std::move(shape);
  by_name_[name] = id;
  names_[id] = name;
  inputs_.push_back({std::move(name), id});
  return id;
}

Graph::ValueId Graph::add_tensor(ValueKind kind, std::string name, Tensor tensor,
                                 std::vector<Named>* list) {
  if (!tensor.defined())
    throw ArgumentError(fmt::format("[graph] '{}' is an undefined tensor", name));
  const ValueId id = new_value(kind);
  values_.back().described = true;
  values_.back().dtype = tensor.dtype();
  values_.back().shape = to_symbolic(tensor.shape());
  tensors_.emplace(id, std::move(tensor));
  by_name_[name] = id;
  names_[id] = name;
  list->push_back({std::move(name), id});
  return id;
}

Graph::ValueId Graph::add_parameter(std::string name, Tensor tensor) {
  check_new_name(name, "a parameter");
  return add_tensor(ValueKind::kParameter, std::move(name), std::move(tensor), &parameters_);
}

void Graph::tie_parameter(std::string name, ValueId value) {
  check_new_name(name, "a parameter");
  check_value(value, "a tied parameter");
  if (values_[static_cast<std::size_t>(value)].kind != ValueKind::kParameter)
    throw ArgumentError(
        fmt::format("[graph] '{}' ties to value {}, which is no parameter", name, value));
  by_name_[name] = value;
  parameters_.push_back({std::move(name), value});
}

Graph::ValueId Graph::add_constant(Tensor tensor, std::string name) {
  if (name.empty()) {
    std::size_t k = constants_.size();
    do name = fmt::format("constant_{}", k++);
    while (by_name_.contains(name));
  }
  check_new_name(name, "a constant");
  return add_tensor(ValueKind::kConstant, std::move(name), std::move(tensor), &constants_);
}

void Graph::replace_tensor(ValueId value, Tensor tensor) {
  const Tensor& old = this->tensor(value);
  if (!tensor.defined() || !(tensor.shape() == old.shape()) || tensor.dtype() != old.dtype())
    throw ArgumentError(fmt::format(
        "[graph] '{}' is {} {}; expected another tensor of that shape and dtype in its place",
        name_of(value), catena::name_of(old.dtype()), catena::to_string(old.shape())));
  tensors_[value] = std::move(tensor);
}

Graph::ValueId Graph::add_node(OpValue op, std::vector<ValueId> inputs) {
  return add_node(std::move(op), std::move(inputs), Source{});
}

Graph::ValueId Graph::add_node(OpValue op, std::vector<ValueId> inputs, Source source,
                               std::vector<SymbolicAttr> symbolic) {
  const OpInfo& info = op.info();
  const int count = static_cast<int>(inputs.size());
  if (count < info.min_inputs() || count > info.max_inputs())
    throw ArgumentError(fmt::format(
        "[{}] {} inputs given; expected {}{} (node {} of the graph)", info.name, count,
        info.min_inputs(), info.max_inputs() > info.min_inputs() ? " or more" : "", nodes_.size()));
  for (ValueId id : inputs) check_value(id, fmt::format("an input of node {}", nodes_.size()));
  if (source.file >= files_.size())
    throw ArgumentError(fmt::format("[graph] source file {} of {}", source.file, files_.size()));
  for (const SymbolicAttr& s : symbolic) {
    const AttrValue value = op.get(s.attr);
    const auto* list = std::get_if<std::vector<std::int64_t>>(&value);
    const bool fits = s.element < 0 ? std::holds_alternative<std::int64_t>(value)
                                    : list && static_cast<std::size_t>(s.element) < list->size();
    if (!fits)
      throw ArgumentError(
          fmt::format("[{}] attribute '{}' = {} has no integer {} to follow an axis", info.name,
                      s.attr, to_string(value), s.element));
    for (int i = 0; i < s.value.num_axes(); ++i)
      if (static_cast<std::size_t>(s.value.axis_at(i)) >= axes_.size())
        throw ArgumentError(fmt::format("[{}] attribute '{}' uses axis {} of {}", info.name, s.attr,
                                        s.value.axis_at(i), axes_.size()));
  }
  Node node;
  node.inputs = std::move(inputs);
  node.num_outputs = info.num_outputs;
  node.op = std::move(op);
  node.source = source;
  node.symbolic = std::move(symbolic);
  node.first_output = new_value(ValueKind::kResult);
  for (int k = 1; k < node.num_outputs; ++k) new_value(ValueKind::kResult);
  nodes_.push_back(std::move(node));
  return nodes_.back().first_output;
}

void Graph::add_output(std::string name, ValueId value) {
  if (name.empty()) throw ArgumentError("[graph] an output without a name");
  if (output_names_.contains(name))
    throw ArgumentError(fmt::format("[graph] two outputs are named '{}'", name));
  check_value(value, fmt::format("output '{}'", name));
  output_names_.insert(name);
  outputs_.push_back({std::move(name), value});
}

Graph::Source Graph::source(std::string_view file, std::uint32_t line) {
  if (const std::size_t slash = file.find_last_of('/'); slash != std::string_view::npos)
    file.remove_prefix(slash + 1);
  if (file.empty()) return {};
  const auto [it, is_new] =
      file_numbers_.try_emplace(std::string(file), static_cast<std::uint32_t>(files_.size()));
  if (is_new) files_.emplace_back(file);
  return {it->second, line};
}

// --- Running ---

std::vector<std::int64_t> Graph::bind_inputs(std::span<const Tensor> inputs,
                                             const std::source_location& loc) const {
  if (inputs.size() != inputs_.size()) {
    std::string names;
    for (const Named& in : inputs_) names += (names.empty() ? "" : ", ") + in.name;
    throw_argument(
        "graph",
        fmt::format("{} inputs given; expected {}: {}", inputs.size(), inputs_.size(), names), loc);
  }
  const std::vector<std::string> names = axis_names();
  std::vector<std::int64_t> sizes;
  for (const Axis& axis : axes_) sizes.push_back(axis.example);
  std::vector<int> bound_by(axes_.size(), -1);
  const auto wrong_shape = [&](std::size_t i, const Value& v, std::string_view why) {
    throw_argument("graph",
                   fmt::format("input '{}' has shape {}; expected {}{}", inputs_[i].name,
                               to_string(inputs[i].shape()), to_string(v.shape, names), why),
                   loc);
  };
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Value& v = values_[static_cast<std::size_t>(inputs_[i].value)];
    if (!inputs[i].defined())
      throw_argument("graph", fmt::format("input '{}' is an undefined tensor", inputs_[i].name),
                     loc);
    if (inputs[i].dtype() != v.dtype)
      throw_argument("graph",
                     fmt::format("input '{}' has dtype {}; expected {}; convert it with to(dtype)",
                                 inputs_[i].name, catena::name_of(inputs[i].dtype()),
                                 catena::name_of(v.dtype)),
                     loc);
    if (static_cast<std::size_t>(inputs[i].rank()) != v.shape.size()) wrong_shape(i, v, "");
    for (int d = 0; d < inputs[i].rank(); ++d) {
      const SymbolicInt& size = v.shape[static_cast<std::size_t>(d)];
      const std::int64_t actual = inputs[i].shape()[d];
      if (size.num_axes() != 1 || size.coefficient() != 1 || size.offset() != 0) continue;
      const auto axis = static_cast<std::size_t>(size.axis_at(0));
      if (bound_by[axis] >= 0 && sizes[axis] != actual)
        wrong_shape(i, v,
                    fmt::format(", where {} is {} by input '{}'", names[axis], sizes[axis],
                                inputs_[static_cast<std::size_t>(bound_by[axis])].name));
      sizes[axis] = actual;
      if (bound_by[axis] < 0) bound_by[axis] = static_cast<int>(i);
    }
  }
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    const Value& v = values_[static_cast<std::size_t>(inputs_[i].value)];
    for (int d = 0; d < inputs[i].rank(); ++d) {
      const SymbolicInt& size = v.shape[static_cast<std::size_t>(d)];
      if (size.is_known() && size.evaluate(sizes) != inputs[i].shape()[d]) wrong_shape(i, v, "");
    }
  }
  return sizes;
}

OpValue Graph::resolved_op(const Node& node, std::span<const std::int64_t> axis_sizes) const {
  OpValue op = node.op;
  for (const SymbolicAttr& s : node.symbolic) {
    const std::optional<std::int64_t> value = s.value.evaluate(axis_sizes);
    if (!value)
      throw ArgumentError(fmt::format("[{}] attribute '{}' = {} has no value at these sizes",
                                      op.info().name, s.attr, to_string(s.value, axis_names())));
    if (s.element < 0) {
      op.set(s.attr, *value);
      continue;
    }
    AttrValue whole = op.get(s.attr);
    auto& list = std::get<std::vector<std::int64_t>>(whole);
    list[static_cast<std::size_t>(s.element)] = *value;
    op.set(s.attr, whole);
  }
  return op;
}

void Graph::rethrow_at(std::size_t number) const {
  const std::string source = source_of(nodes_[number]);
  const std::string where = fmt::format(" (node {} of the graph{}{})", number,
                                        source.empty() ? "" : ", recorded at ", source);
  try {
    throw;
  } catch (const ArgumentError& e) {
    throw ArgumentError(e.what() + where);
  } catch (const SystemError& e) {
    throw SystemError(e.what() + where);
  } catch (const UnsupportedError& e) {
    throw UnsupportedError(e.what() + where);
  } catch (const InternalError& e) {
    throw InternalError(e.what() + where);
  }
}

std::vector<Tensor> Graph::run(std::span<const Tensor> inputs, Mode mode,
                               std::source_location loc) const {
  const std::vector<std::int64_t> sizes = bind_inputs(inputs, loc);
  // Values go as soon as nobody reads them any more.
  std::vector<std::uint32_t> readers(values_.size(), 0);
  for (const Node& node : nodes_)
    for (ValueId id : node.inputs) ++readers[static_cast<std::size_t>(id)];
  for (const Named& out : outputs_) ++readers[static_cast<std::size_t>(out.value)];
  std::vector<Tensor> live(values_.size());
  for (std::size_t i = 0; i < inputs.size(); ++i)
    live[static_cast<std::size_t>(inputs_[i].value)] = inputs[i];
  for (const auto& [id, tensor] : tensors_) live[static_cast<std::size_t>(id)] = tensor;

  boost::container::small_vector<Tensor, 4> arguments;
  for (std::size_t k = 0; k < nodes_.size(); ++k) {
    const Node& node = nodes_[k];
    arguments.clear();
    for (ValueId id : node.inputs) {
      Tensor& value = live[static_cast<std::size_t>(id)];
      arguments.push_back(value);
      if (--readers[static_cast<std::size_t>(id)] == 0) value = Tensor();
    }
    const auto first = static_cast<std::size_t>(node.first_output);
    const OpInfo& info = node.op.info();
    if (mode == Mode::kEvaluation && info.identity_in_evaluation) {
      if (readers[first] > 0) live[first] = arguments[0];
      continue;
    }
    try {
      const std::span<const Tensor> given(arguments.data(), arguments.size());
      const bool changes = mode == Mode::kEvaluation && info.to_evaluation;
      const bool is_own = changes || !node.symbolic.empty();
      OpValue own = is_own ? resolved_op(node, sizes) : OpValue();
      if (changes) info.to_evaluation(own.attrs());
      std::vector<Tensor> results = call(is_own ? own : node.op, given, loc);
      if (results.size() != static_cast<std::size_t>(node.num_outputs))
        throw_internal(fmt::format("[{}] gave {} outputs; its description says {}", info.name,
                                   results.size(), node.num_outputs));
      for (std::size_t r = 0; r < results.size(); ++r)
        if (readers[first + r] > 0) live[first + r] = std::move(results[r]);
    } catch (const Error&) {
      rethrow_at(k);
    }
  }
  std::vector<Tensor> outputs;
  for (const Named& out : outputs_) outputs.push_back(live[static_cast<std::size_t>(out.value)]);
  return outputs;
}

}  // namespace catena
