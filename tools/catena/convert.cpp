// catena convert: a model, or weights, in another format.
#include <memory>

#include <fmt/format.h>
#include <catena/graph/error.hpp>
#include <catena/serialization/npz.hpp>
#include <catena/serialization/onnx/save_onnx.hpp>
#include <catena/serialization/safetensors.hpp>
#include <catena/serialization/save_load.hpp>

#include "command.hpp"
#include "models.hpp"

namespace catena::tool {
namespace {

struct Options {
  std::string source, target;
  int opset = OnnxOptions{}.opset;
  Limits limits;
};

// The parameters of a model, or all tensors of a file that holds no more than them.
std::vector<NamedTensor> weights_of(const std::string& path, const Limits& limits) {
  if (is_arrays(path)) return load_arrays(path, limits);
  if (extension_of(path) == ".catena") return load_tensors(path, limits.of_load());
  return load_model(path, limits).named_parameters();
}

void convert(const Options& options) {
  const std::string to = extension_of(options.target);
  const bool weights = is_arrays(options.source);
  if (to == ".safetensors" || to == ".npz" || (weights && to == ".catena")) {
    const std::vector<NamedTensor> tensors = weights_of(options.source, options.limits);
    if (to == ".npz")
      save_npz(tensors, options.target);
    else if (to == ".safetensors")
      save_safetensors(tensors, options.target);
    else
      save_tensors(options.target, tensors);
    fmt::print("{}: {} tensors -> {}\n", options.source, tensors.size(), options.target);
    return;
  }
  if (weights)
    throw ArgumentError(fmt::format("{}: holds weights and no graph, of which no {} can be made",
                                    options.source, options.target));
  if (to != ".catena" && to != ".onnx")
    throw UnsupportedError(fmt::format(
        "{}: expected a name that ends in .catena, .onnx, .safetensors or .npz", options.target));
  const Graph graph = load_model(options.source, options.limits);
  if (to == ".onnx") {
    OnnxOptions onnx;
    onnx.opset = options.opset;
    save_onnx(graph, options.target, onnx);
  } else {
    save(options.target, graph);
  }
  fmt::print("{}: {} calls, {} parameters -> {}\n", options.source, graph.nodes().size(),
             graph.parameters().size(), options.target);
}

}  // namespace

void add_convert(CLI::App& app, Action* action) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand("convert", "Write a model or weights in another format");
  sub->add_option("SRC", options->source,
                  "A .catena or .onnx file, or weights as .safetensors or .npz")
      ->required();
  sub->add_option("DST", options->target,
                  "A name that ends in .catena, .onnx, .safetensors or .npz")
      ->required();
  sub->add_option("--opset", options->opset, "Of an .onnx file, 13 to 21")->capture_default_str();
  add_model_limits(*sub, &options->limits);
  sub->callback([options, action] { *action = [options] { convert(*options); }; });
}

}  // namespace catena::tool
