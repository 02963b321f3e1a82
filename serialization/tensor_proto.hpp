// Single arrays as ONNX TensorProto files (.pb), as ONNX's test data holds them.
#pragma once

#include <source_location>
#include <string>

#include "catena/graph/tensor.hpp"
#include "catena/serialization/options.hpp"

namespace catena {

// The array in `path`, as a new CPU tensor, of any of the thirteen dtypes. Throws SystemError, with
// path and field, when the file cannot be read or is damaged, UnsupportedError for strings,
// complex numbers, data kept in another file, and more dimensions than a Tensor can have, and
// ArgumentError for what exceeds the options.
Tensor load_tensor_proto(const std::string& path, const LoadOptions& options = {},
                         std::source_location loc = std::source_location::current());

// Writes `tensor` with its name; the file appears whole or not at all. Throws SystemError when it
// cannot be written, UnsupportedError for more than 2 GiB, which protobuf does not hold.
void save_tensor_proto(const Tensor& tensor, const std::string& path, const std::string& name = "",
                       std::source_location loc = std::source_location::current());

}  // namespace catena
