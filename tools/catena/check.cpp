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

struct Options {
  std::string model;
  Limits limits;
};

void check_onnx(const Options& options) {
  const OnnxModel model = load_onnx(options.model, options.limits.of_onnx());
  std::uint64_t nodes = 0;
  for (const auto& [name, count] : model.info().op_counts) nodes += count;
  fmt::print("{}: ok (ONNX opset {}, {} nodes, {} parameters)\n", options.model, model.info().opset,
             nodes, model.num_parameters());
}

void check_arrays(const Options& options) {
  const std::vector<NamedTensor> tensors = load_arrays(options.model, options.limits);
  std::uint64_t elements = 0;
  for (const auto& [name, tensor] : tensors) elements += static_cast<std::uint64_t>(tensor.numel());
  fmt::print("{}: ok ({} tensors, {} elements)\n", options.model, tensors.size(), elements);
}

void check(const Options& options) {
  if (is_onnx(options.model)) return check_onnx(options);
  if (is_arrays(options.model)) return check_arrays(options);
  LoadOptions load = options.limits.of_load();
  load_archive(options.model, load);
  load.verify = false;  // the checksums were compared
  const FileInfo info = read_info(options.model, load);
  fmt::print("{}: ok ({}, {} calls, {} tensors, {} bytes)\n", options.model, info.kind,
             info.num_nodes, info.tensors.size(), info.bytes);
}

}  // namespace

void add_check(CLI::App& app, Action* action) {
  auto options = std::make_shared<Options>();
  CLI::App* sub = app.add_subcommand(
      "check", "Validate a model file without running it: structure, shapes, checksums");
  sub->add_option("MODEL", options->model, kAnyFile)->required();
  add_model_limits(*sub, &options->limits);
  sub->callback([options, action] { *action = [options] { check(*options); }; });
}

}  // namespace catena::tool
