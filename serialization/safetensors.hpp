// safetensors files: named tensors behind a JSON header, as Hugging Face's libraries exchange
// weights.
#pragma once

#include <source_location>
#include <span>
#include <string>
#include <vector>

#include "catena/graph/state.hpp"
#include "catena/graph/tensor.hpp"
#include "catena/serialization/options.hpp"

namespace catena {

// All tensors of `path`, as new CPU tensors, in the order of their data. The header is checked
// whole before anything is allocated: names once, shapes and offsets exact, data without holes or
// overlap, all of it within options.max_bytes. Throws SystemError, with path and field, for a file
// that cannot be read or is damaged; UnsupportedError for other dtypes than the thirteen and for
// more dimensions than a Tensor has; ArgumentError for a file above the limit.
std::vector<NamedTensor> load_safetensors(
    const std::string& path, const LoadOptions& options = {},
    std::source_location loc = std::source_location::current());
// What the file says about itself ("__metadata__"), sorted by key. Throws as load_safetensors.
Metadata load_safetensors_metadata(const std::string& path, const LoadOptions& options = {},
                                   std::source_location loc = std::source_location::current());

// Writes the tensors in their order; the file appears whole or not at all, and the same tensors
// give the same bytes. Throws SystemError when it cannot be written, ArgumentError for a name that
// is empty, used twice, "__metadata__" or not UTF-8.
void save_safetensors(std::span<const NamedTensor> tensors, const std::string& path,
                      const SaveOptions& options = {},
                      std::source_location loc = std::source_location::current());

}  // namespace catena
