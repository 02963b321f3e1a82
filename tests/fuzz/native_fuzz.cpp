// .catena files: read, described, drawn. Checksums are set right first, or nothing else of the
// reader would be reached.
#define XXH_INLINE_ALL
#include <xxhash.h>

#include <cstring>
#include <vector>

#include "catena/serialization/archive.hpp"
#include "catena/serialization/describe.hpp"
#include "fuzz_target.hpp"

namespace {

// docs/files.md has the layout.
void mend(std::vector<std::uint8_t>& file) {
  const std::uint64_t size = file.size();
  if (size < 64) return;
  const auto put = [&](std::size_t at, std::uint64_t value) {
    std::memcpy(file.data() + at, &value, sizeof value);
  };
  std::uint64_t header = 0;
  std::memcpy(&header, file.data() + 16, sizeof header);
  put(24, size);
  if (header <= size - 64) put(32, XXH3_64bits(file.data() + 64, header));
  put(56, XXH3_64bits(file.data(), 56));
  put(size - 8, size);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catena;
  std::vector<std::uint8_t> file(data, data + size);
  mend(file);
  const std::string path = fuzz::file_of(file.data(), file.size());
  const LoadOptions options{.verify = false, .max_bytes = 1 << 24, .max_nodes = 10'000};
  fuzz::expect_only_errors([&] { read_info(path, options); });
  fuzz::expect_only_errors([&] {
    const Archive archive = load_archive(path, options);
    if (!archive.graph) return;
    archive.graph->describe();
    archive.graph->to_dot();
  });
  return 0;
}
