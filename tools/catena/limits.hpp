// What reading a file may take, on the command line.
#pragma once

#include <cstdint>
#include <optional>

#include <CLI/CLI.hpp>
#include <catena/serialization/onnx/onnx_model.hpp>
#include <catena/serialization/options.hpp>

namespace catena::tool {

// What is not given is as the library has it.
struct Limits {
  std::optional<std::uint64_t> max_bytes, max_nodes;
  std::optional<double> max_seconds;

  LoadOptions of_load() const;
  OnnxLoadOptions of_onnx() const;
};

// The options of a command that reads arrays, and of one that reads models, weights or arrays.
void add_array_limits(CLI::App& app, Limits* limits);
void add_model_limits(CLI::App& app, Limits* limits);

}  // namespace catena::tool
