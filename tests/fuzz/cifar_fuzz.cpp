// CIFAR-10's binary files.
#include "catena/train/cifar.hpp"
#include "fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = catena::fuzz::file_of(data, size);
  catena::fuzz::expect_only_errors([&] { catena::train::read_cifar10_file(path); });
  return 0;
}
