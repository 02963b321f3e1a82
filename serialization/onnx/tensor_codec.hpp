// Between ONNX's TensorProto and tensors. Not a public header.
#pragma once

#include <map>
#include <source_location>
#include <string>
#include <string_view>

#include "catena/graph/tensor.hpp"
#include "catena/serialization/time_limit.hpp"

namespace catena::onnx_tensor {
class TensorProto;
}

namespace catena::onnx {

// TensorProto.DataType of each dtype, and back (unknown numbers: false).
int dtype_code(DType dtype);
bool dtype_from_code(int code, DType* dtype);
// "string", "complex64", ... for the numbers that are no dtype here.
std::string dtype_code_name(int code);

// Whose tensor it is, for messages, and where data in other files are looked for.
struct TensorSource {
  const char* op = "load_onnx";  // in front of messages
  std::string where;             // "model.onnx: initializer 'w'"
  // The folder of the model; empty: data in other files are refused.
  std::string folder;
  std::uint64_t max_bytes = ~std::uint64_t{0};  // of one tensor
  detail::TimeLimit limit;                      // for data in other files
  // SHA-1 of the files of data that were read before, by location: a file may hold many tensors.
  // Null: checksums are not compared.
  std::map<std::string, std::string>* digests = nullptr;
};

// A new CPU tensor. Throws SystemError when the message is damaged and UnsupportedError for
// strings, complex numbers and more dimensions than a Tensor can have; nothing is allocated before
// the message was found to hold as much.
Tensor read_tensor(const onnx_tensor::TensorProto& proto, const TensorSource& source,
                   const std::source_location& loc);

}  // namespace catena::onnx
