// How files are written and read.
#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace catena {

// Ordered by key when written.
using Metadata = std::vector<std::pair<std::string, std::string>>;

struct SaveOptions {
  Metadata metadata;  // written besides what the contents bring
  // Wait until the file and its directory are on the disk. Without it a power cut may lose the
  // file; the old one is replaced in one step either way.
  bool sync = true;
  int threads = 0;  // that write large tensors; 0: one per core, at most 4
};

// Limits protect against damaged and hostile files; nothing is allocated before it is checked.
struct LoadOptions {
  bool verify = true;  // compare the tensors' checksums; the header's are always compared
  std::uint64_t max_bytes = std::uint64_t{1} << 40;              // memory the load may take
  std::uint64_t max_nodes = 10'000'000;                          // of the graph
  double max_seconds = std::numeric_limits<double>::infinity();  // looked at between parts
  int threads = 0;  // that read large tensors; 0: one per core, at most 4
};

}  // namespace catena
