// Model files on the command line.
#pragma once

#include <string>
#include <vector>

#include <catena/graph/graph.hpp>
#include <catena/graph/state.hpp>

#include "limits.hpp"

namespace catena::tool {

// What `inspect` and `check` read.
constexpr const char* kAnyFile = "A .catena, .onnx, .safetensors, .npz, .npy or .pb file";

// ".onnx".
std::string extension_of(const std::string& path);

// Whether `path` is named as an ONNX model is.
bool is_onnx(const std::string& path);

// Whether `path` is named as a file of tensors and nothing else: .safetensors, .npz, .npy, .pb.
bool is_arrays(const std::string& path);
// All of them; the one of a .npy or .pb file has the file's name.
std::vector<NamedTensor> load_arrays(const std::string& path, const Limits& limits);

// The graph of a .catena file, or of an .onnx one, whose sizes without a number are axes. Throws
// UnsupportedError for what a model needs and Catena lacks, and ArgumentError when a file holds no
// graph.
Graph load_model(const std::string& path, const Limits& limits);

}  // namespace catena::tool
