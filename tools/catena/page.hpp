// A model as one HTML page that needs nothing else.
#pragma once

#include <string>

#include <catena/graph/graph.hpp>

namespace catena::tool {

// The graph's drawing `svg` (of Graph::to_dot, by Graphviz), to be moved and zoomed, beside tables of
// its inputs, parameters, constants, calls and outputs with shapes and sizes; a click shows where in
// the drawing something is.
std::string model_page(const Graph& graph, const std::string& title, const std::string& svg);

}  // namespace catena::tool
