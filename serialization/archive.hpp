// The contents of a .catena file: a graph, named tensors and values, metadata, each optional.
#pragma once

#include <optional>
#include <string>

#include "catena/graph/graph.hpp"
#include "catena/graph/state.hpp"
#include "catena/serialization/options.hpp"

namespace catena {

inline constexpr std::uint32_t kFormatVersion = 1;

struct Archive {
  std::optional<Graph> graph;
  State state;
  Metadata metadata;
};

// Replaces `path` in one step; when anything fails the old file stays as it was. The same contents
// give the same bytes. Tensors that share memory and description are written once.
// Errors (SystemError): the system's, with the path.
void save_archive(const std::string& path, const Archive& archive, const SaveOptions& options = {});

// Errors: SystemError "path: field: actual; expected" for a damaged file, UnsupportedError that
// names all unknown ops at once, or a newer format or op version.
Archive load_archive(const std::string& path, const LoadOptions& options = {});

}  // namespace catena
