// IDX files, the format of MNIST (yann.lecun.com/exdb/mnist), plain or compressed with gzip.
//
//   Dataset training{read_idx("train-images-idx3-ubyte.gz").to(kFloat32) / 255,
//                    read_idx("train-labels-idx1-ubyte.gz").to(kInt64)};
#pragma once

#include <source_location>
#include <string>

#include "catena/graph/tensor.hpp"

namespace catena::train {

// The array in `path`, of the file's shape and dtype (uint8, int8, int16, int32, float32, float64).
// Throws SystemError, with path and offset, when the file cannot be read, is not an IDX file, is
// damaged, or holds fewer or more bytes than its sizes say; what it says is compared with the
// file's size before memory is taken.
Tensor read_idx(const std::string& path,
                std::source_location loc = std::source_location::current());

}  // namespace catena::train
