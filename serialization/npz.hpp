// NumPy's .npz files: zip archives of .npy files, one per named array.
#pragma once

#include <source_location>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"
#include "catena/serialization/options.hpp"

namespace catena {

// All arrays of `path` in the order of the file, named without ".npy"; or the one of that name.
// Members may be stored or deflated (np.savez, np.savez_compressed), and are read as load_npy does.
// Throws SystemError, with path, member and reason, for a file that cannot be read, is damaged, or
// claims more than its bytes can hold (nothing is inflated beyond what an array's shape needs);
// UnsupportedError for encryption and for other members, dtypes and compressions; ArgumentError for
// what exceeds the options and, with the names there are, for an unknown name.
std::vector<NamedTensor> load_npz(const std::string& path, const LoadOptions& options = {},
                                  std::source_location loc = std::source_location::current());
Tensor load_npz(const std::string& path, std::string_view name, const LoadOptions& options = {},
                std::source_location loc = std::source_location::current());

// Writes the tensors for np.load; the file appears whole or not at all, and the same tensors give
// the same bytes. Throws SystemError when it cannot be written, ArgumentError for a name that is
// empty or used twice, UnsupportedError for bfloat16, which NumPy lacks.
void save_npz(std::span<const NamedTensor> tensors, const std::string& path, bool compress = false,
              std::source_location loc = std::source_location::current());

}  // namespace catena
