// ONNX models as modules: loaded, run, trained on.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catena/graph/graph.hpp"
#include "catena/nn/dotted_parts.hpp"
#include "catena/nn/module.hpp"
#include "catena/serialization/options.hpp"

namespace catena {

namespace onnx {
struct Program;
}

// A size of an input or output: a number, or a name that stands for any ("batch"), or neither.
struct OnnxSize {
  std::int64_t size = -1;
  std::string name;
};
struct OnnxValue {
  std::string name;
  DType dtype = kFloat32;
  bool has_shape = false;
  std::vector<OnnxSize> shape;
};
struct OnnxInfo {
  std::int64_t ir_version = 0;
  std::int64_t opset = 0;  // of ONNX's own operators
  std::string producer, graph_name;
  Metadata metadata;
  std::vector<std::pair<std::string, std::uint64_t>> op_counts;  // by name
};

// Limits protect against damaged and hostile files.
struct OnnxLoadOptions {
  bool verify = true;  // compare the checksums that the model has of its data in other files
  std::uint64_t max_bytes = std::uint64_t{1} << 40;  // of the file, of a tensor, of a result
  std::uint64_t max_nodes = 1'000'000;    // with those of functions, once for each call of them
  int max_depth = 64;                     // of bodies in bodies and functions in functions
  std::uint64_t max_steps = 100'000'000;  // nodes computed in one call, in a loop once each round
  // Of the load, and again of each call of the model; looked at between nodes.
  double max_seconds = std::numeric_limits<double>::infinity();
  // Names of values to compute instead of the model's outputs; what they do not need is left out,
  // with its parameters: a network without its head.
  std::vector<std::string> outputs;
  // Inputs that get these values once and for all, so that shapes and axes among them are constant:
  // what a trace needs, as sizes of a graph cannot follow values.
  std::vector<NamedTensor> fixed_inputs;
  // train() leaves batch norm and dropout as the file has them: evaluation.
  bool keep_evaluation = false;
};

// An ONNX model as a module that computes with Catena's ops, so that it can be trained, traced,
// saved and exported:
//   OnnxModel model = load_onnx("resnet.onnx");
//   Tensor y = model(x);
// Parameters are the initializers of floating dtype and at least one dimension that operators
// compute with; they keep their names ("layer1.0.conv1.weight"), and one that is used in several
// places is one parameter. Running statistics of batch norm are buffers. Everything else is
// constant: shapes, bounds, single numbers, what only follows from them.
//
// A model is loaded in evaluation mode. train() brings dropout to work and lets batch norm use and
// gather the statistics of the batch, whatever the file says of them.
class OnnxModel : public nn::Layer {
 public:
  OnnxModel(const OnnxModel& o);

  // The only output of a model with one input. Errors: another number of inputs or outputs.
  Tensor forward(Tensor x) override;
  // All outputs for all inputs. Errors: number and dtype of the inputs, sizes that differ from
  // those the model names; what operators say, with the name of the node.
  std::vector<Tensor> forward(const std::vector<Tensor>& inputs,
                              Location loc = Location::current());

  // Inputs without those that have a value in the file or the options.
  std::span<const OnnxValue> inputs() const;
  std::span<const OnnxValue> outputs() const;
  const OnnxInfo& info() const;
  // The model as a graph for saving and drawing. Sizes without a number are axes of the graph, by
  // their names; `examples` are inputs to trace with, made up when there are none. Errors: as of
  // trace.
  Graph to_graph(const std::vector<Tensor>& examples = {}, Location loc = Location::current());

 private:
  friend OnnxModel load_onnx(const std::string&, const OnnxLoadOptions&, std::source_location);
  friend OnnxModel parse_onnx(std::string_view, const OnnxLoadOptions&, std::source_location);
  OnnxModel(std::shared_ptr<const onnx::Program> program, bool keep_evaluation, Location loc);

  std::shared_ptr<const onnx::Program> program_;
  bool keep_evaluation_;
  std::vector<Tensor> tensors_;  // parameters and statistics, in the program's order
  nn::DottedParts parts_;
};

// Reads a .onnx file of IR version 3 to 14. Operators of opsets 7 to 21 are known (docs/onnx.md),
// and newer or older versions of them where nothing changed that is computed differently; data in
// other files are read from the model's folder. Errors: SystemError for what is damaged, with path
// and field; UnsupportedError that names every operator and type the model needs and Catena lacks;
// ArgumentError for what exceeds the options.
OnnxModel load_onnx(const std::string& path, const OnnxLoadOptions& options = {},
                    std::source_location loc = std::source_location::current());
// The same from memory, which has no folder: data in other files are refused.
OnnxModel parse_onnx(std::string_view bytes, const OnnxLoadOptions& options = {},
                     std::source_location loc = std::source_location::current());

}  // namespace catena
