#include "limits.hpp"

namespace catena::tool {
namespace {

template <class Options>
Options with(const Limits& limits) {
  Options options;
  options.max_bytes = limits.max_bytes.value_or(options.max_bytes);
  options.max_nodes = limits.max_nodes.value_or(options.max_nodes);
  options.max_seconds = limits.max_seconds.value_or(options.max_seconds);
  return options;
}

}  // namespace

LoadOptions Limits::of_load() const { return with<LoadOptions>(*this); }
OnnxLoadOptions Limits::of_onnx() const { return with<OnnxLoadOptions>(*this); }

void add_array_limits(CLI::App& app, Limits* limits) {
  app.add_option("--max-bytes", limits->max_bytes, "Memory that reading a file may take: 500MB")
      ->transform(CLI::AsSizeValue(false))
      ->group("Limits");
  app.add_option("--max-seconds", limits->max_seconds, "Time that reading a file may take")
      ->check(CLI::NonNegativeNumber)
      ->group("Limits");
}

void add_model_limits(CLI::App& app, Limits* limits) {
  add_array_limits(app, limits);
  app.get_option("--max-seconds")
      ->description("Time that reading a file may take, and a run of an .onnx model");
  app.add_option("--max-nodes", limits->max_nodes, "Nodes that the graph of a model may have")
      ->group("Limits");
}

}  // namespace catena::tool
