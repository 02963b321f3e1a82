// NumPy's .npy files: one array each.
#pragma once

#include <source_location>
#include <string>

#include "catena/graph/tensor.hpp"
#include "catena/serialization/options.hpp"

namespace catena {

// The array in `path`, as a new row-major CPU tensor. Reads format versions 1 to 3, little and big
// endian, C and Fortran order, and the dtypes bool, int8..int64, uint8..uint64, float16, float32
// and float64. Throws SystemError, with path and reason, when the file cannot be read, is damaged,
// shortened or longer than its header says, UnsupportedError for other dtypes and for more
// dimensions than a Tensor can have, and ArgumentError for what exceeds the options.
Tensor load_npy(const std::string& path, const LoadOptions& options = {},
                std::source_location loc = std::source_location::current());

// Writes `tensor`, row-major and little endian, for np.load; the file appears whole or not at all.
// Throws SystemError when it cannot be written, UnsupportedError for bfloat16, which NumPy lacks.
void save_npy(const Tensor& tensor, const std::string& path,
              std::source_location loc = std::source_location::current());

}  // namespace catena
