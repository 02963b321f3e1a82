#include "catena/serialization/save_load.hpp"

#include <unordered_map>
#include <unordered_set>

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"

namespace catena {
namespace {

std::string described(const Tensor& t) {
  return fmt::format("{} {}", name_of(t.dtype()), to_string(t.shape()));
}

[[noreturn]] void wrong_kind(const std::string& path, const char* holds, const char* wanted) {
  throw ArgumentError(fmt::format("[load] '{}' holds {}; expected {}", path, holds, wanted));
}

}  // namespace

void save(const std::string& path, const Graph& graph, const SaveOptions& options) {
  Archive archive;
  archive.graph = graph;
  save_archive(path, archive, options);
}

Graph load_graph(const std::string& path, const LoadOptions& options) {
  Archive archive = load_archive(path, options);
  if (!archive.graph)
    wrong_kind(path, "no graph, only tensors and values",
               "a file written by save(path, graph); read the tensors with load_tensors");
  return std::move(*archive.graph);
}

void save_tensors(const std::string& path, std::span<const NamedTensor> tensors,
                  const SaveOptions& options) {
  Archive archive;
  archive.state.tensors.assign(tensors.begin(), tensors.end());
  save_archive(path, archive, options);
}

std::vector<NamedTensor> load_tensors(const std::string& path, const LoadOptions& options) {
  Archive archive = load_archive(path, options);
  if (!archive.state.tensors.empty() || !archive.graph) return std::move(archive.state.tensors);
  return archive.graph->named_parameters();
}

void save_checkpoint(const std::string& path, const State& state) {
  save_checkpoint(path, state, nullptr);
}
void save_checkpoint(const std::string& path, const State& state, const Graph* graph,
                     const SaveOptions& options) {
  Archive archive;
  archive.state = state;
  if (graph) archive.graph = *graph;
  save_archive(path, archive, options);
}

State load_checkpoint(const std::string& path, const LoadOptions& options) {
  Archive archive = load_archive(path, options);
  if (archive.state.tensors.empty() && archive.state.values.empty() && archive.graph)
    wrong_kind(path, "a graph without a training state", "a file written by save_checkpoint");
  return std::move(archive.state);
}

ParameterReport load_parameters(std::span<const NamedTensor> parameters, const std::string& path,
                                bool strict, const LoadOptions& options) {
  std::unordered_map<std::string, Tensor> found;
  std::vector<std::string> order;
  for (auto& [name, tensor] : load_tensors(path, options)) {
    order.push_back(name);
    found.emplace(name, tensor);
  }
  ParameterReport report;
  std::unordered_set<std::string> asked;
  std::vector<std::pair<Tensor, Tensor>> copies;
  for (const auto& [name, tensor] : parameters) {
    asked.insert(name);
    const auto it = found.find(name);
    if (it == found.end()) {
      report.missing.push_back(name);
    } else if (!(it->second.shape() == tensor.shape()) || it->second.dtype() != tensor.dtype()) {
      report.mismatched.push_back(fmt::format("{}: {} in the file, expected {}", name,
                                              described(it->second), described(tensor)));
    } else {
      copies.emplace_back(tensor, it->second);
    }
  }
  for (const std::string& name : order)
    if (!asked.contains(name)) report.unexpected.push_back(name);
  if (strict && !report.complete()) {
    std::string what;
    const auto add = [&](const char* kind, const std::vector<std::string>& names) {
      if (!names.empty())
        what += fmt::format("{}{}: {}", what.empty() ? "" : "; ", kind, fmt::join(names, ", "));
    };
    add("missing in the file", report.missing);
    add("unexpected in the file", report.unexpected);
    add("mismatched", report.mismatched);
    throw ArgumentError(fmt::format(
        "[load] '{}' does not fit the parameters: {}; nothing was changed; load with strict = "
        "false to take what fits",
        path, what));
  }
  const NoGrad no_grad;
  for (auto& [to, from] : copies) to.copy_(from);
  return report;
}

}  // namespace catena
