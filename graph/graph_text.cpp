// A graph as text and as a drawing.
#include <ostream>

#include <fmt/format.h>

#include "catena/graph/graph.hpp"

namespace catena {
namespace {

std::string type_text(const Graph::Value& value, std::span<const std::string> axes) {
  if (!value.described) return "?";
  return fmt::format("{} {}", name_of(value.dtype), to_string(value.shape, axes));
}

std::string dot_quoted(std::string_view text) {
  std::string s = "\"";
  for (char c : text) {
    if (c == '"' || c == '\\') s += '\\';
    s += c == '\n' ? ' ' : c;
  }
  return s + '"';
}

std::string counted(std::size_t n, std::string_view noun) {
  return fmt::format("{} {}{}", n, noun, n == 1 ? "" : "s");
}

}  // namespace

std::string Graph::text_of(const Node& node) const {
  if (node.symbolic.empty()) return to_string(node.op);
  const std::vector<std::string> axes = axis_names();
  std::string s = node.op.info().name;
  s += '(';
  bool first = true;
  for (const NamedAttr& attr : node.op.attr_list()) {
    if (!first) s += ", ";
    first = false;
    s += attr.name + '=';
    const auto* list = std::get_if<std::vector<std::int64_t>>(&attr.value);
    std::vector<std::string> parts;
    if (list)
      for (std::int64_t v : *list) parts.push_back(std::to_string(v));
    else
      parts.push_back(to_string(attr.value));
    for (const SymbolicAttr& symbol : node.symbolic)
      if (symbol.attr == attr.name)
        parts[static_cast<std::size_t>(std::max(symbol.element, 0))] =
            to_string(symbol.value, axes);
    s += list ? fmt::format("[{}]", fmt::join(parts, ", ")) : parts[0];
  }
  return s + ')';
}

std::string Graph::describe() const {
  const std::vector<std::string> axes = axis_names();
  fmt::memory_buffer out;
  const auto add = [&](std::string_view format, const auto&... args) {
    fmt::format_to(fmt::appender(out), fmt::runtime(format), args...);
  };
  const auto type_of = [&](ValueId id) {
    return type_text(values_[static_cast<std::size_t>(id)], axes);
  };
  add("graph: {}, {}, {}, {}, {}\n", counted(nodes_.size(), "call"),
      counted(inputs_.size(), "input"), counted(parameters_.size(), "parameter"),
      counted(constants_.size(), "constant"), counted(outputs_.size(), "output"));
  if (!axes.empty()) add("axes: {}\n", fmt::join(axes, ", "));
  add("inputs:\n");
  for (const Named& in : inputs_) add("  {} : {}\n", in.name, type_of(in.value));
  if (!parameters_.empty()) add("parameters:\n");
  for (const Named& p : parameters_) {
    add("  {} : {}", p.name, type_of(p.value));
    if (name_of(p.value) != p.name) add(" (tied to {})", name_of(p.value));
    add("\n");
  }
  if (!constants_.empty()) add("constants:\n");
  for (const Named& c : constants_) add("  {} : {}\n", c.name, type_of(c.value));
  add("calls:\n");
  for (const Node& node : nodes_) {
    std::vector<std::string> results, types, arguments;
    for (int k = 0; k < node.num_outputs; ++k) {
      results.push_back(name_of(node.first_output + k));
      types.push_back(type_of(node.first_output + k));
    }
    for (ValueId id : node.inputs) arguments.push_back(name_of(id));
    const std::string source = source_of(node);
    add("  {} = {} <- {} : {}{}{}\n", fmt::join(results, ", "), text_of(node),
        fmt::join(arguments, ", "), fmt::join(types, ", "), source.empty() ? "" : "  # ", source);
  }
  add("outputs:\n");
  for (const Named& o : outputs_)
    add("  {} = {} : {}\n", o.name, name_of(o.value), type_of(o.value));
  return fmt::to_string(out);
}

std::string Graph::to_dot() const {
  const std::vector<std::string> axes = axis_names();
  fmt::memory_buffer out;
  const auto add = [&](std::string_view format, const auto&... args) {
    fmt::format_to(fmt::appender(out), fmt::runtime(format), args...);
  };
  add("digraph catena {{\n  rankdir=TB;\n  node [fontname=\"Helvetica\", fontsize=10];\n"
      "  edge [fontname=\"Helvetica\", fontsize=9];\n");
  // The drawing's box of each value: its own for inputs and tensors, its call's for results.
  std::vector<std::string> box(values_.size());
  const auto draw_value = [&](ValueId id, std::string_view style) {
    const auto i = static_cast<std::size_t>(id);
    box[i] = fmt::format("v{}", id);
    add("  {} [label={}, {}];\n", box[i],
        dot_quoted(name_of(id) + "  " + type_text(values_[i], axes)), style);
  };
  for (const Named& in : inputs_)
    draw_value(in.value, "shape=ellipse, style=filled, fillcolor=\"#cfe8ff\"");
  for (const Named& p : parameters_)
    if (name_of(p.value) == p.name)
      draw_value(p.value, "shape=box, style=\"filled,rounded\", fillcolor=\"#fff2cc\"");
  for (const Named& c : constants_)
    draw_value(c.value, "shape=box, style=\"filled,rounded\", fillcolor=\"#eeeeee\"");
  for (std::size_t k = 0; k < nodes_.size(); ++k) {
    const Node& node = nodes_[k];
    add("  n{} [label={}, shape=box];\n", k, dot_quoted(text_of(node)));
    for (ValueId id : node.inputs) {
      const auto i = static_cast<std::size_t>(id);
      const bool result = values_[i].kind == ValueKind::kResult;
      add("  {} -> n{}{};\n", box[i], k,
          result ? fmt::format(" [label={}]", dot_quoted(type_text(values_[i], axes))) : "");
    }
    for (int r = 0; r < node.num_outputs; ++r)
      box[static_cast<std::size_t>(node.first_output + r)] = fmt::format("n{}", k);
  }
  const auto groups = chains();
  for (std::size_t c = 0; c < groups.size(); ++c) {
    add("  subgraph cluster_{} {{ label=\"chain {}\"; fontname=\"Helvetica\"; fontsize=9; "
        "style=dashed; "
        "color=gray;",
        c, c + 1);
    for (const std::size_t k : groups[c]) add(" n{};", k);
    add(" }}\n");
  }
  for (std::size_t k = 0; k < outputs_.size(); ++k) {
    const Named& o = outputs_[k];
    const auto i = static_cast<std::size_t>(o.value);
    add("  o{} [label={}, shape=ellipse, style=filled, fillcolor=\"#d5f5d5\"];\n", k,
        dot_quoted(o.name + "  " + type_text(values_[i], axes)));
    add("  {} -> o{};\n", box[i], k);
  }
  add("}}\n");
  return fmt::to_string(out);
}

std::ostream& operator<<(std::ostream& out, const Graph& graph) { return out << graph.describe(); }

}  // namespace catena
