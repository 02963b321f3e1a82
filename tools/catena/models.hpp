// Model files on the command line.
#pragma once

#include <string>

#include <catena/graph/graph.hpp>

namespace catena::tool {

// Loads MODEL.catena. Throws UnsupportedError for formats this version does not read, and
// ArgumentError when the file holds no graph.
Graph load_model(const std::string& path);

// Throws UnsupportedError when `path` is a kind of model this version does not read.
void check_model_format(const std::string& path);

}  // namespace catena::tool
