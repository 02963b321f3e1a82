// Between the records of a file's header and the objects of the library. Not a public header.
#pragma once

#include <string>
#include <vector>

#include "catena/graph/graph.hpp"
#include "catena/serialization/options.hpp"
#include "catena/serialization/time_limit.hpp"

namespace catena::file_format {
class AttributeRecord;
class FileHeader;
class GraphRecord;
class InputRecord;
class TensorRecord;
}  // namespace catena::file_format

namespace catena::detail {

// The number a dtype has in files, and back (0 and unknown numbers: false).
int dtype_code(DType dtype);
bool dtype_from_code(int code, DType* dtype);

// Collects the tensors of a file; those that are the same memory seen the same way are one record.
class TensorTable {
 public:
  std::uint32_t add(const Tensor& tensor);
  const std::vector<Tensor>& tensors() const { return tensors_; }

 private:
  std::vector<Tensor> tensors_;
  std::unordered_map<std::string, std::uint32_t> known_;
};

void write_attribute(const std::string& name, const AttrValue& value,
                     file_format::AttributeRecord* record);
void write_graph(const Graph& graph, TensorTable* tensors, file_format::GraphRecord* record);

// Readers throw SystemError through bad_file, with `field` in front of what is wrong.
AttrValue read_attribute(const file_format::AttributeRecord& record, const std::string& path,
                         const std::string& field);
Shape read_sizes(const file_format::TensorRecord& record);
SymbolicShape read_input_shape(const file_format::InputRecord& record, std::size_t num_axes,
                               const std::string& path, const std::string& field);
// The names of ops the header uses that are not registered, sorted.
std::vector<std::string> unknown_ops(const file_format::GraphRecord& record);
Graph read_graph(const file_format::GraphRecord& record, const std::vector<Tensor>& tensors,
                 const std::string& path, const TimeLimit& limit);

}  // namespace catena::detail
