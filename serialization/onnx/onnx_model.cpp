#include "catena/serialization/onnx/onnx_model.hpp"

#include <algorithm>
#include <filesystem>
#include <map>
#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "catena/graph/dispatch.hpp"
#include "catena/graph/trace.hpp"
#include "catena/ops/cast.hpp"
#include "catena/serialization/file.hpp"
#include "catena/serialization/onnx/import/build.hpp"
#include "catena/serialization/onnx/import/runner.hpp"
#include "catena_onnx_model.pb.h"

namespace catena {
namespace {

constexpr std::uint64_t kMaxMessage = 0x7fffffff;

std::string described(const OnnxValue& value) {
  std::string sizes;
  for (const OnnxSize& s : value.shape)
    sizes += fmt::format("{}{}", sizes.empty() ? "" : ", ",
                         s.size >= 0      ? std::to_string(s.size)
                         : s.name.empty() ? "?"
                                          : s.name);
  return fmt::format("{}{}", name_of(value.dtype), value.has_shape ? " [" + sizes + "]" : "");
}

// Sizes and dtype; sizes of one name are equal.
void check_input(const OnnxValue& value, const Tensor& t,
                 std::map<std::string, std::int64_t>* named, const std::source_location& loc) {
  const auto wrong = [&](std::string_view why) {
    throw_argument("OnnxModel",
                   fmt::format("input '{}' is {} {}; expected {}{}", value.name,
                               t.defined() ? name_of(t.dtype()) : "undefined",
                               t.defined() ? to_string(t.shape()) : "", described(value), why),
                   loc);
  };
  if (!t.defined() || t.dtype() != value.dtype) wrong("");
  if (!value.has_shape) return;
  if (static_cast<std::size_t>(t.rank()) != value.shape.size()) wrong("");
  for (int d = 0; d < t.rank(); ++d) {
    const OnnxSize& size = value.shape[static_cast<std::size_t>(d)];
    if (size.size >= 0 && size.size != t.shape()[d]) wrong("");
    if (size.name.empty()) continue;
    const auto [it, is_new] = named->emplace(size.name, t.shape()[d]);
    if (it->second != t.shape()[d])
      wrong(fmt::format(", where {} is {} in another place", size.name, it->second));
  }
}

// Names of tensors as a module can have them: any name may be in a file, but where one is a part of
// another ("a" and "a.b"), a part of it is empty or there are too many, its dots become
// underscores.
class NameChooser {
 public:
  std::string choose(std::string name) {
    if (!fits(name)) std::replace(name.begin(), name.end(), '.', '_');
    const std::string base = name;
    while (!fits(name)) name = fmt::format("{}_{}", base, ++copies_[base]);
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1))
      parts_.insert(name.substr(0, dot));
    tensors_.insert(name);
    return name;
  }

 private:
  bool fits(const std::string& name) const {
    if (name.empty() || name.front() == '.' || name.back() == '.' ||
        name.find("..") != std::string::npos ||
        std::count(name.begin(), name.end(), '.') > nn::DottedParts::kMostDots ||
        tensors_.contains(name) || parts_.contains(name))
      return false;
    for (std::size_t dot = name.find('.'); dot != std::string::npos; dot = name.find('.', dot + 1))
      if (tensors_.contains(name.substr(0, dot))) return false;
    return true;
  }
  std::unordered_set<std::string> tensors_, parts_;
  std::unordered_map<std::string, int> copies_;  // a number for each, so that many cost little
};

}  // namespace

OnnxModel::OnnxModel(std::shared_ptr<const onnx::Program> program, bool keep_evaluation,
                     Location loc)
    : program_(std::move(program)), keep_evaluation_(keep_evaluation) {
  NameChooser names;
  for (const onnx::Initializer& p : program_->parameters)
    tensors_.push_back(parts_.add_parameter(*this, names.choose(p.name), p.tensor, loc));
  for (const onnx::Initializer& s : program_->statistics)
    tensors_.push_back(parts_.add_buffer(*this, names.choose(s.name), s.tensor, true, loc));
  set_description(program_->info.graph_name);
  eval();
}

OnnxModel::OnnxModel(const OnnxModel& o)
    : Layer(o), program_(o.program_), keep_evaluation_(o.keep_evaluation_), parts_(o.parts_) {
  // Inside clone() the copy computes with its own tensors.
  for (const Tensor& t : o.tensors_) tensors_.push_back(nn::detail::copied(t));
}

std::span<const OnnxValue> OnnxModel::inputs() const { return program_->inputs; }
std::span<const OnnxValue> OnnxModel::outputs() const { return program_->outputs; }
const OnnxInfo& OnnxModel::info() const { return program_->info; }

Tensor OnnxModel::forward(Tensor x) {
  if (inputs().size() != 1 || outputs().size() != 1)
    throw ArgumentError(
        fmt::format("[OnnxModel] the model has {} inputs and {} outputs; forward(x) needs one of "
                    "each; call forward({{x, ...}})",
                    inputs().size(), outputs().size()));
  return std::move(forward(std::vector<Tensor>{std::move(x)}, call_location()).front());
}

std::vector<Tensor> OnnxModel::forward(const std::vector<Tensor>& inputs, Location loc) {
  if (inputs.size() != program_->inputs.size())
    throw_argument(
        "OnnxModel",
        fmt::format("{} inputs; the model takes {}", inputs.size(), program_->inputs.size()), loc);
  const CallSite site(loc);
  std::map<std::string, std::int64_t> named;
  onnx::Runner runner(*program_, is_training() && !keep_evaluation_,
                      {program_->max_seconds, "[OnnxModel] one call"});
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    check_input(program_->inputs[i], inputs[i], &named, loc);
    runner.set(program_->main.inputs[i], inputs[i], false);
  }
  std::size_t next = 0;
  for (const auto list : {&program_->parameters, &program_->statistics})
    for (const onnx::Initializer& i : *list) runner.set(i.value, tensors_[next++], false);
  for (const onnx::Initializer& c : program_->constants) runner.set(c.value, c.tensor, true);
  runner.run(program_->main);
  std::vector<Tensor> outputs;
  for (const int value : program_->main.outputs) outputs.push_back(runner.get(value));
  return outputs;
}

Graph OnnxModel::to_graph(const std::vector<Tensor>& examples, Location loc) {
  TraceOptions options;
  options.parameters = named_parameters();
  std::vector<Tensor> inputs = examples;
  std::unordered_set<std::string> used;
  std::unordered_map<std::string, int> copies;
  for (std::size_t i = 0; i < program_->inputs.size(); ++i) {
    const OnnxValue& value = program_->inputs[i];
    options.input_names.push_back(value.name);
    Shape shape;
    for (std::size_t d = 0; d < value.shape.size(); ++d) {
      const OnnxSize& size = value.shape[d];
      if (size.size < 0 && (examples.empty() || d < static_cast<std::size_t>(examples[i].rank())))
        options.dynamic_axes.push_back(
            {static_cast<int>(i), static_cast<int>(d),
             size.name.empty() ? fmt::format("{}_{}", value.name, d) : size.name});
      shape.push_back(size.size >= 0 ? size.size : 2);
    }
    if (!examples.empty()) continue;
    if (!value.has_shape)
      throw_argument("OnnxModel",
                     fmt::format("input '{}' has no shape; expected an example input to trace with",
                                 value.name),
                     loc);
    inputs.push_back(zeros(shape, value.dtype, loc));
  }
  for (const OnnxValue& value : program_->outputs) {
    std::string name = value.name;
    while (!used.insert(name).second) name = fmt::format("{}_{}", value.name, ++copies[value.name]);
    options.output_names.push_back(name);
  }
  return trace(
      [&](std::span<const Tensor> in) {
        return forward(std::vector<Tensor>(in.begin(), in.end()), loc);
      },
      inputs, options, loc);
}

namespace {

std::shared_ptr<const onnx::Program> parse(std::string bytes, const std::string& where,
                                           const std::string& folder,
                                           const OnnxLoadOptions& options,
                                           const detail::TimeLimit& limit,
                                           const std::source_location& loc) {
  onnx_model::ModelProto model;
  if (!model.ParseFromString(bytes))
    throw SystemError(
        fmt::format("[load_onnx] {}: damaged file: not an ONNX model (a protobuf message){}", where,
                    called_at(loc)));
  std::string().swap(bytes);
  return onnx::build_program(model, where, folder, options, limit, loc);
}

detail::TimeLimit limit_of(const std::string& where, const OnnxLoadOptions& options) {
  return {options.max_seconds, fmt::format("[load_onnx] {}", where)};
}

void check_bytes(const std::string& where, std::uint64_t bytes, const OnnxLoadOptions& options,
                 const std::source_location& loc) {
  if (bytes > kMaxMessage)
    throw SystemError(
        fmt::format("[load_onnx] {}: damaged file: {} bytes; protobuf holds at most {}", where,
                    bytes, kMaxMessage));
  if (bytes > options.max_bytes)
    throw_argument("load_onnx",
                   fmt::format("{}: {} bytes; the options allow {}; raise max_bytes", where, bytes,
                               options.max_bytes),
                   loc);
}

}  // namespace

OnnxModel load_onnx(const std::string& path, const OnnxLoadOptions& options,
                    std::source_location loc) {
  const detail::InputFile file(path, limit_of(path, options));
  check_bytes(path, file.size(), options, loc);
  std::string bytes(file.size(), '\0');
  file.read_at(0, bytes.data(), bytes.size());
  const std::string folder = std::filesystem::path(path).parent_path().string();
  return OnnxModel(
      parse(std::move(bytes), path, folder.empty() ? "." : folder, options, file.limit(), loc),
      options.keep_evaluation, loc);
}

OnnxModel parse_onnx(std::string_view bytes, const OnnxLoadOptions& options,
                     std::source_location loc) {
  check_bytes("(memory)", bytes.size(), options, loc);
  return OnnxModel(
      parse(std::string(bytes), "(memory)", "", options, limit_of("(memory)", options), loc),
      options.keep_evaluation, loc);
}

}  // namespace catena
