// Model files on the command line.
#pragma once

#include <string>

#include <catena/graph/graph.hpp>

#include "limits.hpp"

namespace catena::tool {

// Whether `path` is named as an ONNX model is.
bool is_onnx(const std::string& path);

// The graph of a .catena file, or of an .onnx one, whose sizes without a number are axes. Throws
// UnsupportedError for what a model needs and Catena lacks, and ArgumentError when a file holds no
// graph.
Graph load_model(const std::string& path, const Limits& limits);

}  // namespace catena::tool
