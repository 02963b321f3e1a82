// ONNX's TensorProto messages, each a file.
#include "catena/serialization/tensor_proto.hpp"
#include "fuzz_target.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::string path = catena::fuzz::file_of(data, size);
  catena::fuzz::expect_only_errors(
      [&] { catena::load_tensor_proto(path, {.max_bytes = 1 << 24}); });
  return 0;
}
