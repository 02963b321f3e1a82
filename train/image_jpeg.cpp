#include <cstddef>
#include <cstdio>

#include <jpeglib.h>

#include <jerror.h>

#include <csetjmp>
#include <cstring>

#include "catena/train/image_codec.hpp"

namespace catena::train {

namespace {

// libjpeg leaves by longjmp, so that nothing between setjmp and it may need a destructor.
struct JpegErrors {
  jpeg_error_mgr manager;  // first, so that libjpeg's pointer is one to this
  std::jmp_buf jump;
  char message[JMSG_LENGTH_MAX] = "";
};

[[noreturn]] void on_error(j_common_ptr jpeg) {
  auto* errors = reinterpret_cast<JpegErrors*>(jpeg->err);
  jpeg->err->format_message(jpeg, errors->message);
  std::longjmp(errors->jump, 1);
}

// Of the warnings, those that mean missing data are errors: libjpeg fills in gray.
void on_message(j_common_ptr jpeg, int level) {
  if (level >= 0) return;
  const int code = jpeg->err->msg_code;
  if (code == JWRN_JPEG_EOF || code == JWRN_HIT_MARKER) on_error(jpeg);
}

bool make_room(const jpeg_decompress_struct& jpeg, Pixels* out) noexcept {
  try {
    out->height = jpeg.output_height;
    out->width = jpeg.output_width;
    out->channels = jpeg.output_components;
    out->values.resize(std::size_t{jpeg.output_height} * jpeg.output_width *
                       static_cast<std::size_t>(jpeg.output_components));
    return true;
  } catch (...) {
    return false;
  }
}

// `jpeg` outlives the jump: its memory is freed by the caller.
bool run(jpeg_decompress_struct* jpeg, JpegErrors* errors, std::span<const std::uint8_t> file,
         std::int64_t max_pixels, Pixels* out, bool* unsupported) {
  if (setjmp(errors->jump)) return false;
  jpeg_create_decompress(jpeg);
  jpeg_mem_src(jpeg, file.data(), file.size());
  jpeg_read_header(jpeg, TRUE);
  if (std::uint64_t{jpeg->image_width} * jpeg->image_height >
      static_cast<std::uint64_t>(max_pixels)) {
    std::snprintf(errors->message, sizeof errors->message,
                  "%u x %u pixels; expected at most %lld (max_pixels)", jpeg->image_width,
                  jpeg->image_height, static_cast<long long>(max_pixels));
    return false;
  }
  if (jpeg->jpeg_color_space == JCS_CMYK || jpeg->jpeg_color_space == JCS_YCCK) {
    *unsupported = true;
    std::strcpy(errors->message, "colours are CMYK; expected gray or RGB; convert the file");
    return false;
  }
  jpeg->out_color_space = jpeg->jpeg_color_space == JCS_GRAYSCALE ? JCS_GRAYSCALE : JCS_RGB;
  jpeg_start_decompress(jpeg);
  if (!make_room(*jpeg, out)) {
    std::strcpy(errors->message, "there is not enough memory");
    return false;
  }
  const std::size_t row =
      std::size_t{jpeg->output_width} * static_cast<std::size_t>(jpeg->output_components);
  while (jpeg->output_scanline < jpeg->output_height) {
    JSAMPROW to = out->values.data() + jpeg->output_scanline * row;
    jpeg_read_scanlines(jpeg, &to, 1);
  }
  jpeg_finish_decompress(jpeg);
  return true;
}

}  // namespace

bool is_jpeg(std::span<const std::uint8_t> file) {
  return file.size() >= 3 && file[0] == 0xFF && file[1] == 0xD8 && file[2] == 0xFF;
}

bool decode_jpeg(std::span<const std::uint8_t> file, std::int64_t max_pixels, Pixels* out,
                 DecodeError* error) {
  JpegErrors errors;
  jpeg_decompress_struct jpeg{};
  jpeg.err = jpeg_std_error(&errors.manager);
  errors.manager.error_exit = on_error;
  errors.manager.emit_message = on_message;
  const bool done = run(&jpeg, &errors, file, max_pixels, out, &error->unsupported);
  jpeg_destroy_decompress(&jpeg);
  if (!done) error->what = errors.message;
  return done;
}

}  // namespace catena::train
