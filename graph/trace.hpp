// From a function to a Graph: runs it and writes down the calls.
#pragma once

#include <functional>
#include <source_location>
#include <string>
#include <vector>

#include "catena/graph/autograd.hpp"
#include "catena/graph/graph.hpp"

namespace catena {

// Dimension `dim` of input `input` (both counted from 0) may have any size; dimensions of one name
// have one size.
struct DynamicAxis {
  int input = 0;
  int dim = 0;
  std::string name;
};

struct TraceOptions {
  std::vector<std::string> input_names;   // "x", or "input_0", "input_1", ...
  std::vector<std::string> output_names;  // "output_0", ...
  std::vector<DynamicAxis> dynamic_axes;
  // Tensors that stay trainable in the graph, by name; all other tensors the function uses become
  // constants. A tensor listed twice is tied.
  std::vector<NamedTensor> parameters;
};

// The graph of fn at the example inputs. With dynamic axes fn runs at two sizes: integer attributes
// that differ become expressions of the axes (a multiple of a product of axes, or an axis plus a
// number). Nothing is recorded for gradients meanwhile, and the process generator is put back to
// where it was. Modules must be in training mode if their dropout is to be part of the graph.
//
// Errors, each with the line of the call: an attribute, a constant or the sequence of calls depends
// on the sizes in another way; a traced value is read on the host (item, data, to_vector) or
// written in place; a trace inside a trace.
Graph trace(const Function& fn, const std::vector<Tensor>& example_inputs,
            const TraceOptions& options = {},
            std::source_location loc = std::source_location::current());
Graph trace(const std::function<Tensor(const Tensor&)>& fn, const Tensor& example_input,
            const TraceOptions& options = {},
            std::source_location loc = std::source_location::current());

// The value t has now as a constant of the trace: it may be read on the host, and what is computed
// from it does not follow the inputs. Outside a trace t itself.
Tensor constant(const Tensor& t, std::source_location loc = std::source_location::current());

}  // namespace catena
