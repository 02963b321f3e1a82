// Decoders of picture files, and the encoder of PNG. Not a public header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

namespace catena::train {

// Rows of 8-bit samples, the channels of a pixel beside each other.
struct Pixels {
  std::int64_t height = 0, width = 0;
  int channels = 0;  // 1 or 3
  std::vector<std::uint8_t> values;
};

// What a decoder says in the place of a picture.
struct DecodeError {
  std::string what;
  bool unsupported = false;  // otherwise the file is damaged or too large
};

bool is_png(std::span<const std::uint8_t> file);
bool is_jpeg(std::span<const std::uint8_t> file);
// False: `error` says why. Sizes are compared with max_pixels before memory is taken.
bool decode_png(std::span<const std::uint8_t> file, std::int64_t max_pixels, Pixels* out,
                DecodeError* error);
bool decode_jpeg(std::span<const std::uint8_t> file, std::int64_t max_pixels, Pixels* out,
                 DecodeError* error);
// False: `message` says why.
bool encode_png(const Pixels& pixels, std::vector<std::uint8_t>* file, std::string* message);

}  // namespace catena::train
