// Arrays on the command line: files named as operands, and results written as files.
#pragma once

#include <span>
#include <string>
#include <vector>

#include <catena/graph/tensor.hpp>

#include "limits.hpp"

namespace catena::tool {

// Reads FILE.npy or FILE.pb (an ONNX TensorProto).
Tensor read_array(const std::string& path, const Limits& limits);

// Operands given in order or as name=file, put into the order of `names`; a name that ends in "..."
// takes all that follow. Undefined tensors stand for names that were not given. Throws UsageError
// for an unknown name, one given twice, and too many.
std::vector<Tensor> read_arrays(const std::vector<std::string>& arguments,
                                std::span<const std::string> names, const Limits& limits);

// Writes <stem>_<number>.npy or .pb in `folder`, which is made when it is missing; returns the
// path.
std::string write_array(const Tensor& tensor, const std::string& folder, const std::string& stem,
                        std::size_t number, const std::string& format);

// "float32 [2, 3]".
std::string describe(const Tensor& tensor);

}  // namespace catena::tool
