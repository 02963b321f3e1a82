#include "catena/serialization/save_load.hpp"

#include <fmt/format.h>

namespace catena {
namespace {

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

}  // namespace catena
