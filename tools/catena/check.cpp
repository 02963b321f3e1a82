// catena check: reads a model and all its data without running it.
#include <memory>

#include <fmt/format.h>
#include <catena/graph/error.hpp>
#include <catena/serialization/archive.hpp>
#include <catena/serialization/describe.hpp>
#include <catena/serialization/onnx/onnx_model.hpp>

#include "command.hpp"
#include "models.hpp"

namespace catena::tool {

namespace {

void check_onnx(const std::string& path) {
  const OnnxModel model = load_onnx(path);
  std::uint64_t nodes = 0;
  for (const auto& [name, count] : model.info().op_counts) nodes += count;
  fmt::print("{}: ok (ONNX opset {}, {} nodes, {} parameters)\n", path, model.info().opset, nodes,
             model.num_parameters());
}

}  // namespace

void add_check(CLI::App& app, Action* action) {
  auto model = std::make_shared<std::string>();
  CLI::App* sub = app.add_subcommand(
      "check", "Validate a model file without running it: structure, shapes, checksums");
  sub->add_option("MODEL", *model, "A .catena or .onnx file")->required();
  sub->callback([model, action] {
    *action = [model] {
      if (is_onnx(*model)) return check_onnx(*model);
      const FileInfo info = read_info(*model);
      load_archive(*model);
      fmt::print("{}: ok ({}, {} calls, {} tensors, {} bytes)\n", *model, info.kind, info.num_nodes,
                 info.tensors.size(), info.bytes);
    };
  });
}

}  // namespace catena::tool
