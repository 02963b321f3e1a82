#include "catena/serialization/onnx/save_onnx.hpp"

#include <algorithm>
#include <filesystem>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catena/graph/error.hpp"
#include "catena/nn/mode_guard.hpp"
#include "catena/nn/module.hpp"
#include "catena/serialization/checksum.hpp"
#include "catena/serialization/file.hpp"
#include "catena/serialization/onnx/export/emitter.hpp"
#include "catena/serialization/onnx/sha1.hpp"
#include "catena/version.hpp"
#include "catena_onnx_model.pb.h"

namespace catena {
namespace {

using onnx_model::ModelProto;
using onnx_tensor::TensorProto;

constexpr std::uint64_t kMostInside = std::numeric_limits<std::int32_t>::max();
constexpr std::uint64_t kAlignment = 4096;  // of data in the second file, so that it may be mapped
constexpr std::uint64_t kAlwaysInside = 1024;

// The IR version that came with an opset.
int ir_version(int opset) { return opset >= 21 ? 10 : opset >= 19 ? 9 : opset >= 15 ? 8 : 7; }

void add_property(const std::string& key, const std::string& value, ModelProto* model) {
  auto* property = model->add_metadata_props();
  property->set_key(key);
  property->set_value(value);
}

// Names of tied parameters beyond the first: "head.weight" = "embedding.weight".
void add_ties(const Graph& graph, ModelProto* model) {
  std::unordered_map<Graph::ValueId, std::string> first;
  for (const Graph::Named& parameter : graph.parameters()) {
    const auto [it, is_new] = first.emplace(parameter.value, parameter.name);
    if (!is_new) add_property("catena.tied." + parameter.name, it->second, model);
  }
}

void set_entry(TensorProto* tensor, const char* key, const std::string& value) {
  auto* entry = tensor->add_external_data();
  entry->set_key(key);
  entry->set_value(value);
}

// Moves the data of large initializers to a file beside the model, named after what it holds: a
// model that is being replaced keeps the data it names until the new one stands in its place.
void move_data(const std::string& path, std::uint64_t above, bool sync, ModelProto* model) {
  std::vector<TensorProto*> large;
  detail::Checksum checksum;
  for (TensorProto& tensor : *model->mutable_graph()->mutable_initializer())
    if (tensor.raw_data().size() > above) {
      large.push_back(&tensor);
      checksum.add(tensor.raw_data().data(), tensor.raw_data().size());
    }
  if (large.empty()) return;
  const std::filesystem::path model_path(path);
  const std::string name =
      fmt::format("{}-{:016x}.data", model_path.stem().string(), checksum.value());
  detail::OutputFile file((model_path.parent_path() / name).string());
  onnx::Sha1 sha1;
  const std::string zeros(kAlignment, '\0');
  std::uint64_t at = 0;
  for (TensorProto* tensor : large) {
    const std::string& bytes = tensor->raw_data();
    const std::uint64_t padding = (kAlignment - at % kAlignment) % kAlignment;
    sha1.add(zeros.data(), padding);
    sha1.add(bytes.data(), bytes.size());
    at += padding;
    file.write_at(at, bytes.data(), bytes.size());
    set_entry(tensor, "location", name);
    set_entry(tensor, "offset", std::to_string(at));
    set_entry(tensor, "length", std::to_string(bytes.size()));
    tensor->set_data_location(1);
    at += bytes.size();
    tensor->clear_raw_data();
  }
  const std::string digits = sha1.digits();
  for (TensorProto* tensor : large) set_entry(tensor, "checksum", digits);
  file.commit(sync);
}

}  // namespace

void save_onnx(const Graph& graph, const std::string& path, const OnnxOptions& options,
               std::source_location loc) {
  if (options.opset < 13 || options.opset > 21)
    throw_argument("save_onnx", fmt::format("opset is {}; expected 13 to 21", options.opset), loc);
  ModelProto model;
  model.set_ir_version(ir_version(options.opset));
  model.set_producer_name("catena");
  model.set_producer_version(CATENA_VERSION);
  auto* standard = model.add_opset_import();
  standard->set_domain("");
  standard->set_version(options.opset);
  model.mutable_graph()->set_name(options.name);
  onnx_export::Emitter emitter(graph, options, model.mutable_graph());
  emitter.emit();
  if (emitter.uses_own_domain()) {
    auto* own = model.add_opset_import();
    own->set_domain("catena");
    own->set_version(1);
  }
  for (const auto& [key, value] : options.metadata) add_property(key, value, &model);
  add_ties(graph, &model);

  std::uint64_t bytes = 0;
  for (const TensorProto& tensor : model.graph().initializer()) bytes += tensor.raw_data().size();
  std::uint64_t above = options.external_data_above;
  if (bytes > kMostInside / 2) above = std::min(above, kAlwaysInside);
  move_data(path, above, options.sync, &model);
  std::string message;
  if (model.ByteSizeLong() > kMostInside || !model.SerializeToString(&message))
    throw UnsupportedError(
        fmt::format("[save_onnx] {}: the model is larger than the 2 GiB that protobuf holds{}",
                    path, called_at(loc)));
  detail::OutputFile file(path);
  file.write_at(0, message.data(), message.size());
  file.commit(options.sync);
}

void save_onnx(const Function& fn, const std::vector<Tensor>& example_inputs,
               const std::string& path, const TraceOptions& trace_options,
               const OnnxOptions& options, std::source_location loc) {
  save_onnx(trace(fn, example_inputs, trace_options, loc), path, options, loc);
}

void save_onnx(nn::Module& model, const Tensor& example_input, const std::string& path,
               TraceOptions trace_options, const OnnxOptions& options, std::source_location loc) {
  const nn::ModeGuard mode(model, options.training);
  for (const NamedTensor& parameter : model.named_parameters())
    trace_options.parameters.push_back(parameter);
  for (const NamedTensor& buffer : model.named_buffers())
    trace_options.parameters.push_back(buffer);
  save_onnx([&](std::span<const Tensor> in) { return std::vector<Tensor>{model(in[0])}; },
            {example_input}, path, trace_options, options, loc);
}

}  // namespace catena
