// IDX files, plain and compressed.
#include "catena/train/idx.hpp"
#include "fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = catena::fuzz::file_of(data, size);
  catena::fuzz::expect_only_errors([&] { catena::train::read_idx(path); });
  return 0;
}
