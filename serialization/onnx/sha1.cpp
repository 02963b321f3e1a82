#include "catena/serialization/onnx/sha1.hpp"

#include <array>
#include <cstdint>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace catena::onnx {

Sha1::Sha1() { sha1_init(&context_); }

void Sha1::add(const void* data, std::size_t bytes) {
  sha1_update(&context_, bytes, static_cast<const std::uint8_t*>(data));
}

std::string Sha1::digits() {
  std::array<std::uint8_t, SHA1_DIGEST_SIZE> digest;
  sha1_digest(&context_, digest.size(), digest.data());
  return fmt::format("{:02x}", fmt::join(digest, ""));
}

}  // namespace catena::onnx
