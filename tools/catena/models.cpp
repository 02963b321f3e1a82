#include "models.hpp"

#include <filesystem>

#include <fmt/format.h>
#include <catena/graph/error.hpp>
#include <catena/serialization/archive.hpp>
#include <catena/serialization/onnx/onnx_model.hpp>

namespace catena::tool {

bool is_onnx(const std::string& path) { return std::filesystem::path(path).extension() == ".onnx"; }

Graph load_model(const std::string& path, const Limits& limits) {
  if (is_onnx(path)) {
    return load_onnx(path, limits.of_onnx()).to_graph();
  }
  Archive archive = load_archive(path, limits.of_load());
  if (!archive.graph)
    throw ArgumentError(fmt::format(
        "{}: the file holds tensors but no graph; `catena inspect` shows what is in it", path));
  return std::move(*archive.graph);
}

}  // namespace catena::tool
