// What is in a file, without loading it: for `catena inspect` and `catena check`.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "catena/graph/attribute.hpp"
#include "catena/graph/dtype.hpp"
#include "catena/graph/shape.hpp"
#include "catena/serialization/options.hpp"

namespace catena {

struct TensorInfo {
  std::string name;  // several names of one tensor: one entry each, with the same offset
  std::string role;  // "parameter", "constant" or "state"
  DType dtype = kFloat32;
  Shape shape;
  bool requires_grad = false;
  std::uint64_t offset = 0;  // in the file
  std::uint64_t bytes = 0;
  std::uint64_t checksum = 0;  // XXH3-64
};

struct FileInfo {
  std::string path;
  std::string kind;  // "graph", "tensors", "checkpoint" (values too), or "empty"
  std::uint64_t bytes = 0;
  std::uint32_t format_version = 0;
  Metadata metadata;
  std::vector<TensorInfo> tensors;
  AttrList values;

  // Of the graph, if there is one.
  bool has_graph = false;
  std::uint64_t num_nodes = 0;
  std::uint64_t num_parameters = 0;                              // elements, tied ones once
  std::vector<std::string> inputs;                               // "x float32 [batch, 64]"
  std::vector<std::string> outputs;                              // names
  std::vector<std::pair<std::string, std::uint64_t>> op_counts;  // by name
  std::vector<std::string> unknown_ops;  // not in this process's registry, sorted
};

// Reads and checks the header; ops need not be known. With options.verify every byte of the file is
// checked too, one block at a time. Errors: as load_archive.
FileInfo read_info(const std::string& path, const LoadOptions& options = {});

}  // namespace catena
