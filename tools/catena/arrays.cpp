#include "arrays.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>
#include <catena/graph/error.hpp>
#include <catena/serialization/npy.hpp>
#include <catena/serialization/tensor_proto.hpp>

#include "command.hpp"
#include "models.hpp"

namespace catena::tool {

Tensor read_array(const std::string& path, const Limits& limits) {
  const std::string extension = extension_of(path);
  if (extension == ".npy") return load_npy(path, limits.of_load());
  if (extension == ".pb") return load_tensor_proto(path, limits.of_load());
  throw UsageError(fmt::format("{}: arrays are read from .npy and .pb files", path));
}

std::vector<Tensor> read_arrays(const std::vector<std::string>& arguments,
                                std::span<const std::string> names, const Limits& limits) {
  const bool variadic = !names.empty() && names.back().ends_with("...");
  std::vector<Tensor> arrays(variadic ? names.size() - 1 : names.size());
  std::size_t next = 0;
  for (const std::string& argument : arguments) {
    const std::size_t equals = argument.find('=');
    std::error_code error;
    if (equals == std::string::npos || std::filesystem::exists(argument, error)) {
      while (next < arrays.size() && arrays[next].defined()) ++next;
      if (next == arrays.size()) {
        if (!variadic)
          throw UsageError(
              fmt::format("--inputs {}: one too many; expected: {}", argument,
                          names.empty() ? "none" : fmt::format("{}", fmt::join(names, ", "))));
        arrays.emplace_back();
      }
      arrays[next] = read_array(argument, limits);
      continue;
    }
    const std::string name = argument.substr(0, equals);
    std::size_t at = 0;
    while (at < names.size() && names[at] != name && names[at] != name + "?") ++at;
    if (at == names.size())
      throw UsageError(fmt::format("--inputs {}: there is no input '{}'; there are: {}", argument,
                                   name, fmt::join(names, ", ")));
    if (arrays[at].defined())
      throw UsageError(fmt::format("--inputs {}: the input '{}' is given twice", argument, name));
    arrays[at] = read_array(argument.substr(equals + 1), limits);
  }
  return arrays;
}

std::string write_array(const Tensor& tensor, const std::string& folder, const std::string& stem,
                        std::size_t number, const std::string& format) {
  std::error_code error;
  std::filesystem::create_directories(folder, error);
  if (error)
    throw SystemError(fmt::format("{}: the folder cannot be made: {}", folder, error.message()));
  const std::string path =
      (std::filesystem::path(folder) / fmt::format("{}_{}.{}", stem, number, format)).string();
  if (format == "pb")
    save_tensor_proto(tensor, path, fmt::format("{}_{}", stem, number));
  else
    save_npy(tensor, path);
  return path;
}

std::string describe(const Tensor& tensor) {
  return fmt::format("{} {}", name_of(tensor.dtype()), to_string(tensor.shape()));
}

}  // namespace catena::tool
