#include <fmt/format.h>
#include <png.h>

#include <algorithm>
#include <csetjmp>
#include <cstring>

#include "catena/train/image_codec.hpp"

namespace catena::train {

namespace {

// libpng leaves by longjmp, so that nothing between setjmp and it may need a destructor: what does
// is kept here, in the caller's frame.
struct PngReader {
  std::span<const std::uint8_t> file;
  std::size_t at = 0;
  std::int64_t max_pixels = 0;
  Pixels* out = nullptr;
  std::vector<png_bytep> rows;
  char message[200] = "";
};

void read_bytes(png_structp png, png_bytep to, std::size_t bytes) {
  auto* reader = static_cast<PngReader*>(png_get_io_ptr(png));
  if (bytes > reader->file.size() - reader->at) png_error(png, "the file is cut off");
  std::memcpy(to, reader->file.data() + reader->at, bytes);
  reader->at += bytes;
}

[[noreturn]] void on_error(png_structp png, png_const_charp message) {
  auto* reader = static_cast<PngReader*>(png_get_error_ptr(png));
  std::strncpy(reader->message, message, sizeof reader->message - 1);
  png_longjmp(png, 1);
}

void on_warning(png_structp, png_const_charp) {}

// Takes the memory for the picture; an exception must not cross libpng.
bool make_room(PngReader* reader, png_uint_32 width, png_uint_32 height, int channels) noexcept {
  try {
    Pixels& out = *reader->out;
    out.height = height;
    out.width = width;
    out.channels = channels;
    const std::size_t row = std::size_t{width} * static_cast<std::size_t>(channels);
    out.values.resize(row * height);
    reader->rows.resize(height);
    for (std::size_t y = 0; y < height; ++y) reader->rows[y] = out.values.data() + y * row;
    return true;
  } catch (...) {
    return false;
  }
}

bool run(png_structp png, png_infop info, PngReader* reader) {
  if (setjmp(png_jmpbuf(png))) return false;
  png_set_read_fn(png, reader, read_bytes);
  // Sizes are checked below; the least of libpng's limits must not come first with a worse message.
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_read_info(png, info);
  const png_uint_32 width = png_get_image_width(png, info);
  const png_uint_32 height = png_get_image_height(png, info);
  if (std::uint64_t{width} * height > static_cast<std::uint64_t>(reader->max_pixels)) {
    std::snprintf(reader->message, sizeof reader->message,
                  "%u x %u pixels; expected at most %lld (max_pixels)", width, height,
                  static_cast<long long>(reader->max_pixels));
    return false;
  }
  // Deflated rows take at least one byte for 1032.
  if (png_get_rowbytes(png, info) > reader->file.size() * 1032 / height)
    png_error(png, "the file is too short for its size in pixels");
  png_set_expand(png);
  png_set_strip_16(png);
  png_set_strip_alpha(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, info);
  const int channels = png_get_channels(png, info);
  if (!make_room(reader, width, height, channels)) png_error(png, "there is not enough memory");
  png_read_image(png, reader->rows.data());
  png_read_end(png, nullptr);
  return true;
}

}  // namespace

bool is_png(std::span<const std::uint8_t> file) {
  return file.size() >= 8 && png_sig_cmp(file.data(), 0, 8) == 0;
}

bool decode_png(std::span<const std::uint8_t> file, std::int64_t max_pixels, Pixels* out,
                DecodeError* error) {
  PngReader reader{.file = file, .max_pixels = max_pixels, .out = out, .rows = {}};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, &reader, on_error, on_warning);
  png_infop info = png == nullptr ? nullptr : png_create_info_struct(png);
  const bool done = info != nullptr && run(png, info, &reader);
  png_destroy_read_struct(&png, &info, nullptr);
  if (!done) error->what = reader.message[0] != '\0' ? reader.message : "libpng could not start";
  return done;
}

bool encode_png(const Pixels& pixels, std::vector<std::uint8_t>* file, std::string* message) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(pixels.width);
  image.height = static_cast<png_uint_32>(pixels.height);
  image.format = pixels.channels == 1 ? PNG_FORMAT_GRAY : PNG_FORMAT_RGB;
  png_alloc_size_t bytes = PNG_IMAGE_PNG_SIZE_MAX(image);
  file->resize(bytes);
  const bool done = png_image_write_to_memory(&image, file->data(), &bytes, 0, pixels.values.data(),
                                              0, nullptr) != 0;
  if (!done) *message = image.message;
  file->resize(done ? bytes : 0);
  return done;
}

}  // namespace catena::train
