#include "models.hpp"

#include <filesystem>

#include <fmt/format.h>
#include <catena/graph/error.hpp>
#include <catena/serialization/archive.hpp>

namespace catena::tool {

void check_model_format(const std::string& path) {
  if (std::filesystem::path(path).extension() == ".onnx")
    throw UnsupportedError(fmt::format(
        "{}: this version of catena does not read ONNX; expected a .catena file", path));
}

Graph load_model(const std::string& path) {
  check_model_format(path);
  Archive archive = load_archive(path);
  if (!archive.graph)
    throw ArgumentError(fmt::format(
        "{}: the file holds tensors but no graph; `catena inspect` shows what is in it", path));
  return std::move(*archive.graph);
}

}  // namespace catena::tool
