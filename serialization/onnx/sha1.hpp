// SHA-1, which ONNX has for files of tensor data. Not a public header.
#pragma once

#include <cstddef>
#include <string>

#include <nettle/sha1.h>

namespace catena::onnx {

// Of data that comes in pieces.
class Sha1 {
 public:
  Sha1();
  void add(const void* data, std::size_t bytes);
  // 40 hexadecimal digits; ends the data.
  std::string digits();

 private:
  sha1_ctx context_;
};

}  // namespace catena::onnx
