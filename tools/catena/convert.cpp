// catena convert: a model in another format.
#include <filesystem>
#include <memory>

#include <fmt/format.h>
#include <catena/graph/error.hpp>
#include <catena/serialization/save_load.hpp>

#include "command.hpp"
#include "models.hpp"

namespace catena::tool {

void add_convert(CLI::App& app, Action* action) {
  struct Options {
    std::string source, target;
  };
  auto options = std::make_shared<Options>();
  CLI::App* sub =
      app.add_subcommand("convert", "Write a model in another format: .onnx as .catena");
  sub->add_option("SRC", options->source, "A .catena or .onnx file")->required();
  sub->add_option("DST", options->target, "A .catena file")->required();
  sub->callback([options, action] {
    *action = [options] {
      if (std::filesystem::path(options->target).extension() != ".catena")
        throw UnsupportedError(
            fmt::format("{}: expected a name that ends in .catena", options->target));
      const Graph graph = load_model(options->source);
      save(options->target, graph);
      fmt::print("{}: {} calls, {} parameters -> {}\n", options->source, graph.nodes().size(),
                 graph.parameters().size(), options->target);
    };
  });
}

}  // namespace catena::tool
