#include "catena/train/image_writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/ops/all.hpp"
#include "catena/train/image_codec.hpp"

namespace catena::train {

namespace {

// 0 to 255. NaN compares as not above 0.
std::uint8_t byte_of(float value) {
  return value > 0 ? static_cast<std::uint8_t>(std::lround(255 * std::min(value, 1.0f))) : 0;
}

// Dimensions 1 and on of `images` from [least, largest] to [0, 1]; equal values become 0.
Tensor stretched(const Tensor& images) {
  const Shape within{1, 2, 3};
  const Tensor least = min(images, within, true);
  const Tensor range = max(images, within, true) - least;
  return (images - least) / where(range > 0, range, 1);
}

}  // namespace

Tensor image_grid(const Tensor& images, ImageGridOptions options, std::source_location loc) {
  const Shape shape = images.defined() ? images.shape() : Shape{};
  if ((shape.rank() != 3 && shape.rank() != 4) || images.numel() == 0)
    throw_argument("image_grid",
                   fmt::format("images are {}; expected [n, height, width] or [n, channels, "
                               "height, width], none of them 0",
                               images.defined() ? to_string(shape) : "undefined"),
                   loc);
  if (options.columns < 0 || options.scale < 1 || options.gap < 0)
    throw_argument("image_grid",
                   fmt::format("columns is {}, scale is {}, gap is {}; expected at least 0, 1, 0",
                               options.columns, options.scale, options.gap),
                   loc);
  NoGrad no_grad;
  Tensor x = (shape.rank() == 3 ? images.unsqueeze(1) : images).to(kCpu).to(kFloat32);
  if (options.stretch) x = stretched(x);
  const std::int64_t n = x.size(0), channels = x.size(1), scale = options.scale;
  const std::int64_t height = x.size(2) * scale, width = x.size(3) * scale;
  x = x.reshape({n, channels, x.size(2), 1, x.size(3), 1})
          .expand({n, channels, x.size(2), scale, x.size(3), scale})
          .reshape({n, channels, height, width});
  const std::int64_t columns =
      std::min(n, options.columns > 0
                      ? options.columns
                      : static_cast<std::int64_t>(std::ceil(std::sqrt(static_cast<double>(n)))));
  const std::int64_t rows = (n + columns - 1) / columns, gap = options.gap;
  Tensor grid = full({channels, gap + rows * (height + gap), gap + columns * (width + gap)},
                     options.background);
  for (std::int64_t i = 0; i < n; ++i) {
    const std::int64_t top = gap + i / columns * (height + gap);
    const std::int64_t left = gap + i % columns * (width + gap);
    grid.slice({Ellipsis, Slice(top, top + height), Slice(left, left + width)}).copy_(x[i]);
  }
  return grid;
}

void write_png(const Tensor& image, const std::string& path, std::source_location loc) {
  const Shape shape = image.defined() ? image.shape() : Shape{};
  const std::int64_t channels = shape.rank() == 3 ? shape[0] : 1;
  if ((shape.rank() != 2 && shape.rank() != 3) || (channels != 1 && channels != 3) ||
      image.numel() == 0)
    throw_argument("write_png",
                   fmt::format("the image is {}; expected [height, width], [1, height, width] or "
                               "[3, height, width], none of them 0",
                               image.defined() ? to_string(shape) : "undefined"),
                   loc);
  if (image.dtype() != kUInt8 && !is_floating(image.dtype()))
    throw_argument(
        "write_png",
        fmt::format("dtype is {}; expected uint8 or a floating one", name_of(image.dtype())), loc);
  NoGrad no_grad;
  const Tensor planes = shape.rank() == 2 ? image.unsqueeze(0) : image;
  const Tensor interleaved = planes.permute({1, 2, 0});
  Pixels pixels{planes.size(1), planes.size(2), static_cast<int>(channels), {}};
  if (image.dtype() == kUInt8)
    pixels.values = interleaved.to_vector<std::uint8_t>();
  else
    for (const float v : interleaved.to_vector<float>()) pixels.values.push_back(byte_of(v));

  const auto fail = [&](const std::string& what) {
    throw SystemError(fmt::format("[write_png] {}: {}{}", path, what, called_at(loc)));
  };
  std::vector<std::uint8_t> file;
  std::string message;
  if (!encode_png(pixels, &file, &message)) fail(message);
  const std::filesystem::path folder = std::filesystem::path(path).parent_path();
  std::error_code ignored;  // writing into it will say what is wrong
  if (!folder.empty()) std::filesystem::create_directories(folder, ignored);
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
  out.close();
  if (!out) fail(fmt::format("cannot be written: {}", std::strerror(errno)));
}

}  // namespace catena::train
