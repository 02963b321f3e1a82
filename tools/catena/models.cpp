#include "models.hpp"

#include <filesystem>

#include <fmt/format.h>
#include <catena/graph/error.hpp>
#include <catena/serialization/archive.hpp>
#include <catena/serialization/npz.hpp>
#include <catena/serialization/onnx/onnx_model.hpp>
#include <catena/serialization/safetensors.hpp>

#include "arrays.hpp"

namespace catena::tool {

std::string extension_of(const std::string& path) {
  return std::filesystem::path(path).extension().string();
}

bool is_onnx(const std::string& path) { return extension_of(path) == ".onnx"; }

bool is_arrays(const std::string& path) {
  const std::string extension = extension_of(path);
  return extension == ".safetensors" || extension == ".npz" || extension == ".npy" ||
         extension == ".pb";
}

std::vector<NamedTensor> load_arrays(const std::string& path, const Limits& limits) {
  if (extension_of(path) == ".safetensors") return load_safetensors(path, limits.of_load());
  if (extension_of(path) == ".npz") return load_npz(path, limits.of_load());
  return {{std::filesystem::path(path).stem().string(), read_array(path, limits)}};
}

Graph load_model(const std::string& path, const Limits& limits) {
  if (is_onnx(path)) {
    return load_onnx(path, limits.of_onnx()).to_graph();
  }
  if (is_arrays(path))
    throw ArgumentError(fmt::format(
        "{}: the file holds tensors but no graph; `catena inspect` shows what is in it", path));
  Archive archive = load_archive(path, limits.of_load());
  if (!archive.graph)
    throw ArgumentError(fmt::format(
        "{}: the file holds tensors but no graph; `catena inspect` shows what is in it", path));
  return std::move(*archive.graph);
}

}  // namespace catena::tool
