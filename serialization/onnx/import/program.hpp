// What an ONNX model becomes when it is loaded: nodes with their operators looked up and their
// names resolved to numbers. Not a public header.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "catena/graph/tensor.hpp"
#include "catena/serialization/onnx/onnx_model.hpp"

namespace catena::onnx {

struct Block;
struct Operator;

struct Attribute {
  enum class Kind : std::uint8_t {
    kInt,
    kFloat,
    kString,
    kInts,
    kFloats,
    kStrings,
    kTensor,
    kGraph
  };
  std::string name;
  Kind kind = Kind::kInt;
  std::int64_t integer = 0;
  double real = 0;
  std::string text;
  std::vector<std::int64_t> integers;
  std::vector<double> reals;
  std::vector<std::string> texts;
  Tensor tensor;
  std::shared_ptr<Block> block;
};

struct Node {
  const Operator* op = nullptr;  // null: there is none; `type` says which
  std::string type;              // "Conv"
  std::string name;              // for messages
  int opset = 0;
  std::vector<int> inputs, outputs;  // values; -1: not there
  std::vector<Attribute> attributes;
  std::vector<int> last_uses;  // values that nobody reads after this node
};

// A graph, or the body of a node. Values of the graphs around it have the same numbers inside.
struct Block {
  std::vector<int> inputs;
  std::vector<Node> nodes;
  std::vector<int> outputs;
};

struct Initializer {
  std::string name;
  int value = 0;
  Tensor tensor;
};

struct Program {
  std::string path;
  Block main;
  int num_values = 0;
  std::vector<Initializer> parameters;  // trained
  std::vector<Initializer> statistics;  // of batch norm
  std::vector<Initializer> constants;   // and what follows from them
  std::vector<OnnxValue> inputs, outputs;
  OnnxInfo info;
  std::uint64_t max_bytes = 0;  // of one result
  std::uint64_t max_steps = 0;  // of one call
  double max_seconds = 0;       // of one call
};

}  // namespace catena::onnx
