// safetensors files.
#include "catena/serialization/safetensors.hpp"
#include "fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace catena;
  const std::string path = fuzz::file_of(data, size);
  const LoadOptions options{.max_bytes = 1 << 24};
  fuzz::expect_only_errors([&] { load_safetensors(path, options); });
  fuzz::expect_only_errors([&] { load_safetensors_metadata(path, options); });
  return 0;
}
