// .npy files.
#include "catena/serialization/npy.hpp"
#include "fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = catena::fuzz::file_of(data, size);
  catena::fuzz::expect_only_errors([&] { catena::load_npy(path); });
  return 0;
}
