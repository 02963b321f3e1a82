#include "catena/graph/trace.hpp"

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_set>

#include <fmt/format.h>

#include "catena/graph/random.hpp"
#include "catena/graph/thread_state.hpp"
#include "catena/graph/trace_hook.hpp"

namespace catena {
namespace {

// No trace on this thread while one lives.
class TraceOff {
 public:
  TraceOff() : before_(detail::thread_state.tracer) { detail::thread_state.tracer = nullptr; }
  ~TraceOff() { detail::thread_state.tracer = before_; }
  TraceOff(const TraceOff&) = delete;
  TraceOff& operator=(const TraceOff&) = delete;

 private:
  Tracer* before_;
};

std::vector<std::byte> bytes_of(const Tensor& t, const std::source_location& loc) {
  TraceOff off;
  std::vector<std::byte> bytes(static_cast<std::size_t>(t.numel()) * size_of(t.dtype()));
  detail::copy_out(t, t.dtype(), bytes.data(), loc);
  return bytes;
}

bool same_contents(const Tensor& a, const Tensor& b, const std::source_location& loc) {
  if (a.is_same(b)) return true;
  return a.dtype() == b.dtype() && a.shape() == b.shape() && bytes_of(a, loc) == bytes_of(b, loc);
}

std::string short_value(const Tensor& t) {
  TraceOff off;
  return t.numel() <= 16 ? t.to_string()
                         : fmt::format("{} {}", name_of(t.dtype()), to_string(t.shape()));
}

}  // namespace

// Builds a graph from what dispatch reports. Values it has seen are held by tape edges: their
// objects stay, so that no new one gets the same address, but their memory may go.
class GraphTracer : public Tracer {
 public:
  explicit GraphTracer(const std::source_location& loc) : trace_location_(loc) {}
  ~GraphTracer() override {
    for (detail::TensorImpl* t : held_) detail::drop_edge(t);
  }
  GraphTracer(const GraphTracer&) = delete;
  GraphTracer& operator=(const GraphTracer&) = delete;

  void add_input(const std::string& name, const Tensor& t) {
    know(t.impl(), graph_.add_input(name, t.dtype(), to_symbolic(t.shape())));
    keep(t);
  }
  void add_parameter(const std::string& name, const Tensor& t) {
    const auto it = ids_.find(t.impl());
    if (it != ids_.end()) return graph_.tie_parameter(name, it->second);
    know(t.impl(), graph_.add_parameter(name, t));
    keep(t);
  }
  void add_outputs(const std::vector<Tensor>& outputs, const std::vector<std::string>& names) {
    for (std::size_t i = 0; i < outputs.size(); ++i) {
      if (!outputs[i].defined())
        throw_argument("trace", fmt::format("the function's output {} is an undefined tensor", i),
                       trace_location_);
      graph_.add_output(names.empty() ? fmt::format("output_{}", i) : names[i],
                        id_of(outputs[i].impl(), trace_location_));
    }
  }
  void set_dynamic(std::size_t input, int dim, int axis) {
    const auto id = static_cast<std::size_t>(graph_.inputs_[input].value);
    graph_.values_[id].shape[static_cast<std::size_t>(dim)] = SymbolicInt::axis(axis);
  }
  // The finished graph; constants become independent of the program's tensors.
  Graph finish() {
    for (const Graph::Named& c : graph_.constants_) {
      Tensor& t = graph_.tensors_.at(c.value);
      t = t.detach().clone(trace_location_);
    }
    return std::move(graph_);
  }
  Graph& graph() { return graph_; }
  bool is_marked(Graph::ValueId id) const { return marked_ids_.contains(id); }
  void mark(const Tensor& t) {
    marked_.insert(t.impl());
    keep_alive_.push_back(t);
  }

  // Turns what differs between this trace and `other`, the same function at other sizes, into
  // expressions of the axes.
  void merge(GraphTracer& other, std::span<const std::int64_t> sizes,
             std::span<const std::int64_t> other_sizes);

  void record(const OpInfo& op, const void* attrs, detail::TensorImpl* const* inputs,
              int num_inputs, detail::TensorImpl* const* outputs, int num_outputs,
              const std::source_location& location) override {
    if (num_outputs != op.num_outputs)
      throw_internal(fmt::format("[{}] has {} outputs; its description says {}", op.name,
                                 num_outputs, op.num_outputs));
    std::vector<Graph::ValueId> ids;
    ids.reserve(static_cast<std::size_t>(num_inputs));
    for (int i = 0; i < num_inputs; ++i) ids.push_back(id_of(inputs[i], location));
    const Graph::ValueId first = graph_.add_node(
        OpValue(op, attrs), std::move(ids), graph_.source(location.file_name(), location.line()));
    for (int k = 0; k < num_outputs; ++k) {
      know(outputs[k], first + k);
      Graph::Value& v = graph_.values_[static_cast<std::size_t>(first + k)];
      v.described = true;
      v.dtype = outputs[k]->dtype;
      v.shape = to_symbolic(outputs[k]->shape);
    }
  }

  void value_read(detail::TensorImpl* t, const std::source_location& location) override {
    const auto it = ids_.find(t);
    if (it == ids_.end() || kind_of(it->second) == Graph::ValueKind::kConstant) return;
    throw_argument("trace",
                   fmt::format("the value of {} was read on the host inside a trace, so the graph "
                               "could not follow its inputs; compute with tensor ops, or read "
                               "constant(tensor) if it may be frozen",
                               described(it->second)),
                   location);
  }

  void written(detail::TensorImpl* t, const std::source_location& location) override {
    const auto it = ids_.find(t);
    if (it == ids_.end() && !(t->storage && storages_.contains(t->storage))) return;
    throw_argument(
        "trace",
        fmt::format("{} was written in place inside a trace, which a graph cannot "
                    "repeat; use an op that returns a new tensor",
                    it == ids_.end() ? "memory of a traced value" : described(it->second)),
        location);
  }

  void alias(detail::TensorImpl* from, detail::TensorImpl* to) override {
    if (const auto it = ids_.find(from); it != ids_.end()) know(to, it->second);
  }

 private:
  Graph::ValueKind kind_of(Graph::ValueId id) const {
    return graph_.values_[static_cast<std::size_t>(id)].kind;
  }
  std::string described(Graph::ValueId id) const {
    static constexpr const char* kKinds[] = {"input", "parameter", "constant", "value"};
    const Graph::Value& v = graph_.values_[static_cast<std::size_t>(id)];
    return fmt::format("{} {} ({} {})", kKinds[static_cast<int>(v.kind)], graph_.name_of(id),
                       name_of(v.dtype), to_string(v.shape, {}));
  }

  void know(detail::TensorImpl* t, Graph::ValueId id) {
    if (!ids_.emplace(t, id).second) return;
    detail::add_edge(t);
    held_.push_back(t);
  }
  // The memory of a value that is not a result must stay and must not change.
  void keep(const Tensor& t) {
    keep_alive_.push_back(t);
    if (t.impl()->storage) storages_.insert(t.impl()->storage);
  }

  Graph::ValueId id_of(detail::TensorImpl* t, const std::source_location& location) {
    if (const auto it = ids_.find(t); it != ids_.end()) return it->second;
    const Tensor tensor = Tensor::share(t);
    // Small constants (the 2 of x * 2) are shared.
    std::string key;
    const bool marked = marked_.contains(t);
    if (t->numel <= 8 && !marked) {
      const std::vector<std::byte> bytes = bytes_of(tensor, location);
      key = fmt::format("{}{}{}", name_of(t->dtype), to_string(t->shape), to_string(t->device));
      key.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      if (const auto it = small_constants_.find(key); it != small_constants_.end()) {
        know(t, it->second);
        return it->second;
      }
    }
    const Graph::ValueId id = graph_.add_constant(tensor);
    know(t, id);
    keep(tensor);
    if (!key.empty()) small_constants_.emplace(std::move(key), id);
    if (marked) marked_ids_.insert(id);
    return id;
  }

  [[noreturn]] void fail_at(const Graph::Node& node, std::string_view what) const {
    const std::string source = graph_.source_of(node);
    throw ArgumentError(fmt::format("[trace] {}{}", what,
                                    source.empty() ? "" : fmt::format(" (called at {})", source)));
  }
  std::string at_sizes(std::span<const std::int64_t> sizes) const {
    std::string s;
    for (std::size_t i = 0; i < sizes.size(); ++i)
      s += fmt::format("{}{}={}", i ? ", " : "", graph_.axes_[i].name, sizes[i]);
    return s;
  }
  void merge_attrs(Graph::Node& node, const Graph::Node& other, std::span<const std::int64_t> sizes,
                   std::span<const std::int64_t> other_sizes);

  std::source_location trace_location_;
  Graph graph_;
  std::unordered_map<detail::TensorImpl*, Graph::ValueId> ids_;
  std::vector<detail::TensorImpl*> held_;
  std::vector<Tensor> keep_alive_;                 // inputs, parameters, constants
  std::unordered_set<detail::Storage*> storages_;  // of those
  std::unordered_map<std::string, Graph::ValueId> small_constants_;
  std::unordered_set<detail::TensorImpl*> marked_;
  std::unordered_set<Graph::ValueId> marked_ids_;
};

void GraphTracer::merge_attrs(Graph::Node& node, const Graph::Node& other,
                              std::span<const std::int64_t> sizes,
                              std::span<const std::int64_t> other_sizes) {
  const AttrList a = node.op.attr_list(), b = other.op.attr_list();
  for (std::size_t k = 0; k < a.size(); ++k) {
    if (a[k].value == b[k].value) continue;
    const auto refuse = [&] {
      fail_at(node,
              fmt::format("attribute '{}' of {} depends on the sizes: {} at {}, {} at {}; expected "
                          "a multiple of axes or an axis plus a number",
                          a[k].name, node.op.info().name, to_string(a[k].value), at_sizes(sizes),
                          to_string(b[k].value), at_sizes(other_sizes)));
    };
    const auto add = [&](std::int32_t element, std::int64_t x, std::int64_t y) {
      if (x == y) return;
      const std::optional<SymbolicInt> fit = fit_symbolic(x, y, sizes, other_sizes);
      if (!fit) refuse();
      node.symbolic.push_back({a[k].name, element, *fit});
    };
    const auto* list_a = std::get_if<std::vector<std::int64_t>>(&a[k].value);
    const auto* list_b = std::get_if<std::vector<std::int64_t>>(&b[k].value);
    if (const auto* x = std::get_if<std::int64_t>(&a[k].value)) {
      add(-1, *x, std::get<std::int64_t>(b[k].value));
    } else if (list_a && list_b && list_a->size() == list_b->size()) {
      for (std::size_t i = 0; i < list_a->size(); ++i)
        add(static_cast<std::int32_t>(i), (*list_a)[i], (*list_b)[i]);
    } else {
      refuse();
    }
  }
}

void GraphTracer::merge(GraphTracer& other, std::span<const std::int64_t> sizes,
                        std::span<const std::int64_t> other_sizes) {
  Graph& g = other.graph_;
  const std::size_t common = std::min(graph_.nodes_.size(), g.nodes_.size());
  const auto value = [](Graph& graph, Graph::ValueId id) -> Graph::Value& {
    return graph.values_[static_cast<std::size_t>(id)];
  };
  // Values correspond by the order in which they appear; constants by their contents.
  std::unordered_map<Graph::ValueId, Graph::ValueId> partner;
  for (std::size_t i = 0; i < graph_.inputs_.size(); ++i)
    partner[g.inputs_[i].value] = graph_.inputs_[i].value;
  for (std::size_t i = 0; i < graph_.parameters_.size(); ++i)
    partner[g.parameters_[i].value] = graph_.parameters_[i].value;
  std::map<std::pair<Graph::ValueId, Graph::ValueId>, bool> equal_constants;
  const auto corresponds = [&](Graph::ValueId mine, Graph::ValueId theirs, const auto& fail) {
    if (value(graph_, mine).kind != Graph::ValueKind::kConstant ||
        value(g, theirs).kind != Graph::ValueKind::kConstant) {
      const auto it = partner.find(theirs);
      if (it == partner.end() || it->second != mine)
        fail("the sequence of calls depends on the sizes; expected the same calls at any size");
      return;
    }
    if (is_marked(mine)) return;
    const auto [it, is_new] = equal_constants.try_emplace({mine, theirs}, false);
    const Tensor &a = graph_.tensors_.at(mine), &b = g.tensors_.at(theirs);
    if (is_new) it->second = same_contents(a, b, trace_location_);
    if (!it->second)
      fail(
          fmt::format("a constant depends on the sizes: {} at {}, {} at {}; compute it from the "
                      "inputs with ops (mean rather than sum / n), or make it an input",
                      short_value(a), at_sizes(sizes), short_value(b), at_sizes(other_sizes)));
  };
  const auto fit_value = [&](Graph::ValueId mine, Graph::ValueId theirs) {
    Graph::Value& a = value(graph_, mine);
    const Graph::Value& b = value(g, theirs);
    if (a.shape.size() != b.shape.size() || a.dtype != b.dtype) {
      a.described = false;
      a.shape.clear();
      return;
    }
    for (std::size_t d = 0; d < a.shape.size(); ++d)
      a.shape[d] = fit_symbolic(a.shape[d].offset(), b.shape[d].offset(), sizes, other_sizes)
                       .value_or(SymbolicInt::unknown());
  };
  for (std::size_t k = 0; k < common; ++k) {
    Graph::Node& node = graph_.nodes_[k];
    const Graph::Node& twin = g.nodes_[k];
    const auto fail = [&](std::string_view what) { fail_at(node, what); };
    if (&node.op.info() != &twin.op.info() || node.inputs.size() != twin.inputs.size())
      fail(fmt::format(
          "the sequence of calls depends on the sizes: {} at {}, {} at {}; expected "
          "the same calls at any size",
          to_string(node.op), at_sizes(sizes), to_string(twin.op), at_sizes(other_sizes)));
    for (std::size_t i = 0; i < node.inputs.size(); ++i)
      corresponds(node.inputs[i], twin.inputs[i], fail);
    if (!(node.op == twin.op)) merge_attrs(node, twin, sizes, other_sizes);
    for (int r = 0; r < node.num_outputs; ++r) {
      partner[twin.first_output + r] = node.first_output + r;
      fit_value(node.first_output + r, twin.first_output + r);
    }
  }
  const auto fail_end = [&](std::string_view what) {
    throw_argument("trace", what, trace_location_);
  };
  if (graph_.nodes_.size() != g.nodes_.size())
    fail_end(
        fmt::format("the number of calls depends on the sizes: {} at {}, {} at {}; expected "
                    "the same calls at any size",
                    graph_.nodes_.size(), at_sizes(sizes), g.nodes_.size(), at_sizes(other_sizes)));
  for (std::size_t i = 0; i < graph_.outputs_.size(); ++i)
    corresponds(graph_.outputs_[i].value, g.outputs_[i].value, fail_end);
}

namespace {

// The example input with `sizes` in place of its own along the dynamic dimensions; entries repeat,
// so that class numbers and masks stay valid. Zeros when the example is empty.
Tensor resized(const Tensor& example, const Shape& shape, const std::source_location& loc) {
  if (shape == example.shape()) return example.detach();
  if (example.numel() == 0) return zeros(shape, {example.dtype(), example.device()});
  const std::vector<std::byte> from = bytes_of(example, loc);
  const std::size_t element = size_of(example.dtype());
  const Shape strides = contiguous_strides(example.shape());
  Tensor host = empty(shape, example.dtype());
  auto* to = static_cast<std::byte*>(host.impl()->storage->data);
  Shape at = Shape::filled(shape.rank(), 0);
  for (std::int64_t i = 0; i < shape.numel(); ++i) {
    std::int64_t source = 0;
    for (int d = 0; d < shape.rank(); ++d) source += at[d] % example.shape()[d] * strides[d];
    std::memcpy(to + static_cast<std::size_t>(i) * element,
                from.data() + static_cast<std::size_t>(source) * element, element);
    for (int d = shape.rank() - 1; d >= 0 && ++at[d] == shape[d]; --d) at[d] = 0;
  }
  return example.device().is_cpu() ? host : host.to(example.device());
}

struct AxisUse {
  std::size_t input;
  int dim;
  int axis;
};

// Which dimension follows which axis; axes are numbered as they are first named.
std::vector<AxisUse> axis_uses(const std::vector<Tensor>& inputs, const TraceOptions& options,
                               std::vector<Graph::Axis>& axes, const std::source_location& loc) {
  std::vector<AxisUse> uses;
  for (const DynamicAxis& d : options.dynamic_axes) {
    if (d.input < 0 || static_cast<std::size_t>(d.input) >= inputs.size())
      throw_argument("trace",
                     fmt::format("dynamic axis '{}' is of input {}; there are {} inputs", d.name,
                                 d.input, inputs.size()),
                     loc);
    const auto i = static_cast<std::size_t>(d.input);
    const int rank = inputs[i].rank();
    const int dim = d.dim < 0 ? d.dim + rank : d.dim;
    if (dim < 0 || dim >= rank)
      throw_argument(
          "trace",
          fmt::format("dynamic axis '{}' is dimension {} of input {}, which has shape {}", d.name,
                      d.dim, i, to_string(inputs[i].shape())),
          loc);
    const std::int64_t size = inputs[i].shape()[dim];
    auto it = std::find_if(axes.begin(), axes.end(),
                           [&](const Graph::Axis& a) { return a.name == d.name; });
    if (it == axes.end()) it = axes.insert(axes.end(), {d.name, size});
    if (it->example != size)
      throw_argument("trace",
                     fmt::format("dynamic axis '{}' has size {} in one example and {} in another; "
                                 "expected one size, or two names",
                                 d.name, it->example, size),
                     loc);
    uses.push_back({i, dim, static_cast<int>(it - axes.begin())});
  }
  return uses;
}

void check_options(const std::vector<Tensor>& inputs, const TraceOptions& options,
                   const std::source_location& loc) {
  if (detail::thread_state.tracer)
    throw_argument("trace", "a trace inside a trace; trace the inner function on its own", loc);
  for (std::size_t i = 0; i < inputs.size(); ++i)
    if (!inputs[i].defined())
      throw_argument("trace", fmt::format("example input {} is an undefined tensor", i), loc);
  if (!options.input_names.empty() && options.input_names.size() != inputs.size())
    throw_argument(
        "trace",
        fmt::format("{} input names for {} inputs", options.input_names.size(), inputs.size()),
        loc);
}

std::string input_name(const TraceOptions& options, std::size_t i, std::size_t count) {
  if (!options.input_names.empty()) return options.input_names[i];
  return count == 1 ? "x" : fmt::format("input_{}", i);
}

// Runs fn under `tracer` at these inputs.
void run_traced(GraphTracer& tracer, const Function& fn, const std::vector<Tensor>& inputs,
                const TraceOptions& options, const std::source_location& loc) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    tracer.add_input(input_name(options, i, inputs.size()), inputs[i]);
  for (const auto& [name, tensor] : options.parameters) tracer.add_parameter(name, tensor);
  struct Active {
    explicit Active(Tracer* t) { detail::thread_state.tracer = t; }
    ~Active() { detail::thread_state.tracer = nullptr; }
  };
  std::vector<Tensor> outputs;
  {
    NoGrad no_grad;
    Active active(&tracer);
    outputs = fn(inputs);
  }
  if (!options.output_names.empty() && options.output_names.size() != outputs.size())
    throw_argument(
        "trace",
        fmt::format("{} output names for {} outputs", options.output_names.size(), outputs.size()),
        loc);
  tracer.add_outputs(outputs, options.output_names);
}

std::vector<Tensor> inputs_at(const std::vector<Tensor>& examples, const std::vector<AxisUse>& uses,
                              std::span<const std::int64_t> sizes,
                              const std::source_location& loc) {
  std::vector<Tensor> inputs;
  for (std::size_t i = 0; i < examples.size(); ++i) {
    Shape shape = examples[i].shape();
    for (const AxisUse& use : uses)
      if (use.input == i) shape[use.dim] = sizes[static_cast<std::size_t>(use.axis)];
    inputs.push_back(resized(examples[i], shape, loc));
  }
  return inputs;
}

}  // namespace

Graph trace(const Function& fn, const std::vector<Tensor>& example_inputs,
            const TraceOptions& options, std::source_location loc) {
  check_options(example_inputs, options, loc);
  std::vector<Graph::Axis> axes;
  const std::vector<AxisUse> uses = axis_uses(example_inputs, options, axes, loc);
  std::vector<std::int64_t> sizes;
  // Sizes 0 and 1 broadcast and vanish: what they show does not hold for others.
  for (Graph::Axis& axis : axes)
    sizes.push_back(axis.example = std::max<std::int64_t>(2, axis.example));

  struct RestoreRandom {
    PhiloxState state = random_state();
    ~RestoreRandom() { set_random_state(state); }
  } restore;
  NoGrad no_grad;
  GraphTracer tracer(loc);
  for (const Graph::Axis& axis : axes) tracer.graph().add_axis(axis.name, axis.example);
  run_traced(tracer, fn, inputs_at(example_inputs, uses, sizes, loc), options, loc);
  if (!axes.empty()) {
    const std::vector<std::int64_t> other_sizes = distinguishing_sizes(sizes);
    GraphTracer other(loc);
    try {
      run_traced(other, fn, inputs_at(example_inputs, uses, other_sizes, loc), options, loc);
    } catch (const ArgumentError& e) {
      std::string where;
      for (std::size_t i = 0; i < axes.size(); ++i)
        where += fmt::format("{}{}={}", i ? ", " : "", axes[i].name, other_sizes[i]);
      throw ArgumentError(fmt::format(
          "{} (while tracing a second time, with {}: the function must work at any size of its "
          "dynamic axes)",
          e.what(), where));
    }
    tracer.merge(other, sizes, other_sizes);
    for (const AxisUse& use : uses) tracer.set_dynamic(use.input, use.dim, use.axis);
  }
  return tracer.finish();
}

Graph trace(const std::function<Tensor(const Tensor&)>& fn, const Tensor& example_input,
            const TraceOptions& options, std::source_location loc) {
  return trace([&](std::span<const Tensor> in) { return std::vector<Tensor>{fn(in[0])}; },
               std::vector<Tensor>{example_input}, options, loc);
}

Tensor constant(const Tensor& t, std::source_location loc) {
  auto* tracer = dynamic_cast<GraphTracer*>(detail::thread_state.tracer);
  if (!tracer) return t;
  TraceOff off;
  Tensor copy = t.detach().clone(loc);
  tracer->mark(copy);
  return copy;
}

}  // namespace catena
