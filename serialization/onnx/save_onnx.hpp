// Writing graphs as ONNX models (.onnx), for other programs to run.
#pragma once

#include <cstdint>
#include <limits>
#include <source_location>
#include <string>
#include <vector>

#include "catena/graph/graph.hpp"
#include "catena/graph/trace.hpp"
#include "catena/serialization/options.hpp"

namespace catena {

namespace nn {
class Module;
}

struct OnnxOptions {
  int opset = 17;         // 13 to 21
  bool training = false;  // dropout is at work; otherwise it is left out
  std::string name = "graph";
  Metadata metadata;  // metadata_props of the model
  // Parameters of more bytes go to a second file beside the first, which it names. By default all
  // are inside unless the model would be above the 2 GiB that protobuf holds.
  std::uint64_t external_data_above = std::numeric_limits<std::uint64_t>::max();
  bool sync = true;  // wait until the files are on the disk
};

// Writes the graph as an ONNX model, in one step as save() does. Axes become named dimensions and
// sizes that follow them are computed in the graph; parameters keep their names and tied ones are
// one initializer; every value has its dtype and shape; nodes have the line of the call as
// doc_string. User ops become the operators of their composition if they give one, else nodes of
// the domain "catena". docs/onnx.md says more.
//
// Errors: ArgumentError for an opset outside 13 to 21 or a name that ONNX would have twice;
// UnsupportedError that names each op (and line) that the opset cannot express; SystemError when
// the files cannot be written.
void save_onnx(const Graph& graph, const std::string& path, const OnnxOptions& options = {},
               std::source_location loc = std::source_location::current());

// Traces fn at the example inputs and writes the graph.
void save_onnx(const Function& fn, const std::vector<Tensor>& example_inputs,
               const std::string& path, const TraceOptions& trace_options = {},
               const OnnxOptions& options = {},
               std::source_location loc = std::source_location::current());

// Traces model(x) in evaluation mode (in training mode with options.training); parameters and
// buffers keep their names:
//   save_onnx(net, x, "net.onnx", {.dynamic_axes = {{0, 0, "batch"}}});
void save_onnx(nn::Module& model, const Tensor& example_input, const std::string& path,
               TraceOptions trace_options = {}, const OnnxOptions& options = {},
               std::source_location loc = std::source_location::current());

}  // namespace catena
