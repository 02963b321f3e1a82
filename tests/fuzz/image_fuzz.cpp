// PNG and JPEG pictures.
#include "catena/train/image.hpp"
#include "fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = catena::fuzz::file_of(data, size);
  catena::fuzz::expect_only_errors(
      [&] { catena::train::read_image(path, {.max_pixels = 1 << 16}); });
  return 0;
}
