// catena inspect: what is in a model file.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <catena/graph/error.hpp>
#include <catena/serialization/describe.hpp>
#include <catena/serialization/onnx/onnx_model.hpp>
#include <catena/serialization/safetensors.hpp>

#include "command.hpp"
#include "models.hpp"
#include "page.hpp"
#include "program.hpp"

namespace catena::tool {
namespace {

struct Options {
  std::string model, dot, svg, html;
  bool chains = false;
  Limits limits;
};

std::string with_thousands(std::uint64_t n) {
  std::string digits = std::to_string(n);
  for (int i = static_cast<int>(digits.size()) - 3; i > 0; i -= 3)
    digits.insert(static_cast<std::size_t>(i), ",");
  return digits;
}

void print_tensors(const std::vector<TensorInfo>& tensors) {
  if (tensors.empty()) return;
  std::size_t width = 6;
  for (const TensorInfo& t : tensors) width = std::max(width, t.name.size());
  fmt::print("{:<{}}  {:<9}  {:<8}  {:<16}  {:>14}\n", "tensor", width, "role", "dtype", "shape",
             "elements");
  for (const TensorInfo& t : tensors)
    fmt::print("{:<{}}  {:<9}  {:<8}  {:<16}  {:>14}\n", t.name, width, t.role, name_of(t.dtype),
               to_string(t.shape), with_thousands(static_cast<std::uint64_t>(t.shape.numel())));
}
void add_tensors(std::vector<TensorInfo>& list, const std::vector<NamedTensor>& tensors,
                 const char* role) {
  for (const auto& [name, tensor] : tensors)
    list.push_back({.name = name, .role = role, .dtype = tensor.dtype(), .shape = tensor.shape()});
}

void print_summary(const FileInfo& info) {
  fmt::print("{}: {}, {} bytes, format {}\n", info.path, info.kind, with_thousands(info.bytes),
             info.format_version);
  for (const auto& [key, value] : info.metadata) fmt::print("  {}: {}\n", key, value);
  if (info.has_graph) {
    fmt::print("inputs:  {}\n", fmt::join(info.inputs, ", "));
    fmt::print("outputs: {}\n", fmt::join(info.outputs, ", "));
    std::vector<std::string> counts;
    for (const auto& [op, count] : info.op_counts)
      counts.push_back(fmt::format("{} {}", count, op));
    fmt::print("calls:   {} ({})\n", info.num_nodes, fmt::join(counts, ", "));
    if (!info.unknown_ops.empty())
      fmt::print("unknown ops: {}\n", fmt::join(info.unknown_ops, ", "));
  }
  print_tensors(info.tensors);
  for (const NamedAttr& v : info.values) fmt::print("{} = {}\n", v.name, to_string(v.value));
  if (info.has_graph) fmt::print("parameters: {}\n", with_thousands(info.num_parameters));
}

void write_text(const std::string& path, const std::string& text) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out << text;
  out.close();
  if (!out) throw SystemError(fmt::format("{}: cannot be written", path));
}

std::string described(const OnnxValue& value) {
  std::vector<std::string> sizes;
  for (const OnnxSize& s : value.shape)
    sizes.push_back(s.size >= 0 ? std::to_string(s.size) : s.name.empty() ? "?" : s.name);
  return fmt::format("{} {} [{}]", value.name, name_of(value.dtype), fmt::join(sizes, ", "));
}

void print_onnx(const std::string& path, const Limits& limits) {
  const OnnxModel model = load_onnx(path, limits.of_onnx());
  const OnnxInfo& info = model.info();
  fmt::print("{}: ONNX opset {}, IR version {}\n", path, info.opset, info.ir_version);
  if (!info.producer.empty()) fmt::print("  producer: {}\n", info.producer);
  for (const auto& [key, value] : info.metadata) fmt::print("  {}: {}\n", key, value);
  std::vector<std::string> inputs, outputs, counts;
  for (const OnnxValue& v : model.inputs()) inputs.push_back(described(v));
  for (const OnnxValue& v : model.outputs()) outputs.push_back(v.name);
  std::uint64_t nodes = 0;
  for (const auto& [name, count] : info.op_counts) {
    counts.push_back(fmt::format("{} {}", count, name));
    nodes += count;
  }
  fmt::print("inputs:  {}\noutputs: {}\nnodes:   {} ({})\n", fmt::join(inputs, ", "),
             fmt::join(outputs, ", "), nodes, fmt::join(counts, ", "));
  std::vector<TensorInfo> tensors;
  add_tensors(tensors, model.named_parameters(), "parameter");
  add_tensors(tensors, model.named_buffers(), "buffer");
  print_tensors(tensors);
  fmt::print("parameters: {}\n",
             with_thousands(static_cast<std::uint64_t>(model.num_parameters())));
}

void print_arrays(const std::string& path, const Limits& limits) {
  std::vector<TensorInfo> tensors;
  add_tensors(tensors, load_arrays(path, limits), "tensor");
  fmt::print("{}: {} tensors, {} bytes\n", path, tensors.size(),
             with_thousands(std::filesystem::file_size(path)));
  if (path.ends_with(".safetensors"))
    for (const auto& [key, value] : load_safetensors_metadata(path, limits.of_load()))
      fmt::print("  {}: {}\n", key, value);
  print_tensors(tensors);
}

void draw(const std::string& dot, const std::string& svg) {
  const std::string source = svg + ".dot";
  write_text(source, dot);
  const int status = run_program({"dot", "-Tsvg", "-o", svg, source});
  std::remove(source.c_str());
  if (status != 0)
    throw SystemError(fmt::format("{}: Graphviz's dot ended with status {}", svg, status));
}

void print_chains(const Graph& graph) {
  int number = 0;
  for (const std::vector<std::size_t>& chain : graph.chains()) {
    fmt::print("chain {}:\n", ++number);
    for (const std::size_t k : chain) {
      const Graph::Node& node = graph.nodes()[k];
      std::vector<std::string> inputs;
      for (const Graph::ValueId id : node.inputs) inputs.push_back(graph.name_of(id));
      fmt::print("  {} = {} <- {}\n", graph.name_of(node.first_output), node.op.info().name,
                 fmt::join(inputs, ", "));
    }
  }
  if (number == 0) fmt::print("no chains\n");
}

void inspect(const Options& options) {
  if (!options.chains && options.dot.empty() && options.svg.empty() && options.html.empty()) {
    if (is_onnx(options.model)) return print_onnx(options.model, options.limits);
    if (is_arrays(options.model)) return print_arrays(options.model, options.limits);
    return print_summary(read_info(options.model, options.limits.of_load()));
  }
  const Graph graph = load_model(options.model, options.limits);
  if (options.chains) print_chains(graph);
  const std::string dot = graph.to_dot();
  if (!options.dot.empty()) write_text(options.dot, dot);
  if (!options.svg.empty()) draw(dot, options.svg);
  if (options.html.empty()) return;
  const std::string svg = options.html + ".svg";
  draw(dot, svg);
  std::ifstream in(svg);
  const std::string drawing{std::istreambuf_iterator<char>(in), {}};
  std::remove(svg.c_str());
  write_text(options.html,
             model_page(graph, std::filesystem::path(options.model).filename().string(), drawing));
}

}  // namespace

void add_inspect(CLI::App& app, Action* action) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("inspect", "Show what is in a model file");
  sub->add_option("MODEL", options->model, kAnyFile)->required();
  sub->add_option("--dot", options->dot, "Write the graph to this file for Graphviz");
  sub->add_option("--svg", options->svg, "Draw the graph into this file (needs Graphviz)");
  sub->add_option(
      "--html", options->html,
      "Write a page with the drawing to zoom and all shapes and sizes (needs Graphviz)");
  sub->add_flag("--chains", options->chains,
                "Show which calls run together where tensors are large");
  add_model_limits(*sub, &options->limits);
  sub->callback([options, action] { *action = [options] { inspect(*options); }; });
}

}  // namespace catena::tool
