#include "catena/train/image.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string_view>

#include "catena/graph/error.hpp"
#include "catena/train/image_codec.hpp"

namespace catena::train {

namespace fs = std::filesystem;

namespace {

void check_options(const ImageOptions& options, const std::source_location& loc) {
  if (options.channels != 1 && options.channels != 3)
    throw_argument("read_image", fmt::format("channels is {}; expected 1 or 3", options.channels),
                   loc);
  if (options.height < 0 || options.width < 0 || options.height > 1 << 20 ||
      options.width > 1 << 20)
    throw_argument("read_image",
                   fmt::format("height is {}, width is {}; expected 0 (as in the file) to 1048576",
                               options.height, options.width),
                   loc);
  if (options.max_pixels < 1)
    throw_argument("read_image",
                   fmt::format("max_pixels is {}; expected at least 1", options.max_pixels), loc);
  if (options.dtype != kFloat32 && options.dtype != kUInt8)
    throw_argument("read_image",
                   fmt::format("dtype is {}; expected float32 or uint8", name_of(options.dtype)),
                   loc);
}

std::vector<std::uint8_t> content_of(const std::string& path, const std::source_location& loc) {
  const auto fail = [&](std::string_view what) {
    throw SystemError(fmt::format("[read_image] {}: {}{}", path, what, called_at(loc)));
  };
  std::error_code error;
  if (fs::exists(path, error) && !fs::is_regular_file(path, error))
    fail("is not a regular file; expected a picture");
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
  const std::vector<std::uint8_t> bytes((std::istreambuf_iterator<char>(in)),
                                        std::istreambuf_iterator<char>());
  if (in.bad()) fail(fmt::format("cannot be read: {}", std::strerror(errno)));
  return bytes;
}

Pixels decoded(const std::string& path, const ImageOptions& options,
               const std::source_location& loc) {
  const std::vector<std::uint8_t> file = content_of(path, loc);
  Pixels pixels;
  DecodeError error;
  bool done = false;
  if (is_png(file))
    done = decode_png(file, options.max_pixels, &pixels, &error);
  else if (is_jpeg(file))
    done = decode_jpeg(file, options.max_pixels, &pixels, &error);
  else
    error.what = "neither a PNG nor a JPEG file";
  if (done) return pixels;
  const std::string message =
      fmt::format("[read_image] {}: {}{}", path, error.what, called_at(loc));
  if (error.unsupported) throw UnsupportedError(message);
  throw SystemError(message);
}

// Channel c of a pixel as asked for. Gray in 16-bit fixed point, as Pillow computes it.
std::uint8_t channel(const std::uint8_t* pixel, int stored, int asked, int c) {
  if (stored == 1) return pixel[0];
  if (asked == 3) return pixel[c];
  return static_cast<std::uint8_t>(
      (pixel[0] * 19595u + pixel[1] * 38470u + pixel[2] * 7471u + 0x8000u) >> 16);
}

// What each entry of a resized line takes from the old: a triangle around its place, as wide as
// the entry where the line shrinks.
struct Taps {
  std::vector<std::int64_t> first;
  std::vector<std::vector<float>> weights;
};
Taps taps_of(std::int64_t from, std::int64_t to) {
  Taps taps;
  const double scale = static_cast<double>(from) / static_cast<double>(to);
  const double support = std::max(scale, 1.0);
  for (std::int64_t i = 0; i < to; ++i) {
    const double center = (static_cast<double>(i) + 0.5) * scale;
    const auto begin = std::max<std::int64_t>(0, static_cast<std::int64_t>(center - support + 0.5));
    const auto end = std::min(from, static_cast<std::int64_t>(center + support + 0.5));
    std::vector<double> weights;
    double sum = 0;
    for (std::int64_t j = begin; j < end; ++j) {
      weights.push_back(
          std::max(0.0, 1 - std::abs(static_cast<double>(j) + 0.5 - center) / support));
      sum += weights.back();
    }
    taps.first.push_back(begin);
    taps.weights.emplace_back();
    for (const double w : weights) taps.weights.back().push_back(static_cast<float>(w / sum));
  }
  return taps;
}

// One channel, line by line and then column by column.
std::vector<float> resized(const std::vector<float>& in, std::int64_t height, std::int64_t width,
                           const Taps& down, const Taps& across) {
  const auto h = static_cast<std::size_t>(height), w = static_cast<std::size_t>(width);
  const std::size_t new_h = down.first.size(), new_w = across.first.size();
  std::vector<float> lines(h * new_w), out(new_h * new_w);
  for (std::size_t y = 0; y < h; ++y)
    for (std::size_t x = 0; x < new_w; ++x) {
      const float* from = in.data() + y * w + static_cast<std::size_t>(across.first[x]);
      float sum = 0;
      for (std::size_t k = 0; k < across.weights[x].size(); ++k)
        sum += from[k] * across.weights[x][k];
      lines[y * new_w + x] = sum;
    }
  for (std::size_t y = 0; y < new_h; ++y)
    for (std::size_t k = 0; k < down.weights[y].size(); ++k) {
      const float weight = down.weights[y][k];
      const float* from = lines.data() + (static_cast<std::size_t>(down.first[y]) + k) * new_w;
      for (std::size_t x = 0; x < new_w; ++x) out[y * new_w + x] += weight * from[x];
    }
  return out;
}

// The size asked for; a side left open is in proportion.
std::int64_t side(std::int64_t asked, std::int64_t stored, std::int64_t other_asked,
                  std::int64_t other_stored) {
  if (asked > 0) return asked;
  if (other_asked == 0) return stored;
  return std::max<std::int64_t>(1, (stored * other_asked + other_stored / 2) / other_stored);
}

}  // namespace

Tensor read_image(const std::string& path, ImageOptions options, std::source_location loc) {
  check_options(options, loc);
  const Pixels in = decoded(path, options, loc);
  const std::int64_t height = side(options.height, in.height, options.width, in.width);
  const std::int64_t width = side(options.width, in.width, options.height, in.height);
  if (height > options.max_pixels / width)
    throw SystemError(
        fmt::format("[read_image] {}: {} x {} pixels after resizing; expected at most "
                    "{} (max_pixels){}",
                    path, width, height, options.max_pixels, called_at(loc)));
  const bool resize = height != in.height || width != in.width;
  const auto stored = static_cast<std::size_t>(in.height * in.width);
  const auto asked = static_cast<std::size_t>(height * width);
  const Taps down = resize ? taps_of(in.height, height) : Taps{};
  const Taps across = resize ? taps_of(in.width, width) : Taps{};

  Tensor out = empty({options.channels, height, width}, options.dtype, loc);
  const bool floating = options.dtype == kFloat32;
  float* floats = floating ? out.data<float>(loc) : nullptr;
  std::uint8_t* bytes = floating ? nullptr : out.data<std::uint8_t>(loc);
  std::vector<float> plane(stored);
  for (int c = 0; c < options.channels; ++c) {
    for (std::size_t i = 0; i < stored; ++i)
      plane[i] = channel(in.values.data() + i * static_cast<std::size_t>(in.channels), in.channels,
                         options.channels, c);
    const std::vector<float> part =
        resize ? resized(plane, in.height, in.width, down, across) : plane;
    const std::size_t at = static_cast<std::size_t>(c) * asked;
    for (std::size_t i = 0; i < asked; ++i) {
      if (floating)
        floats[at + i] = part[i] / 255.0f;
      else
        bytes[at + i] = static_cast<std::uint8_t>(std::clamp(std::nearbyint(part[i]), 0.f, 255.f));
    }
  }
  return out;
}

ImageFolder::ImageFolder(const std::string& folder, ImageOptions options, std::source_location loc)
    : options_(options) {
  check_options(options, loc);
  const auto fail = [&](const std::string& path, std::string_view what) {
    throw SystemError(fmt::format("[image_folder] {}: {}{}", path, what, called_at(loc)));
  };
  const auto is_picture = [](const fs::path& path) {
    std::string ending = path.extension().string();
    std::ranges::transform(ending, ending.begin(),
                           [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
    return ending == ".png" || ending == ".jpg" || ending == ".jpeg";
  };
  try {
    for (const fs::directory_entry& entry : fs::directory_iterator(folder))
      if (entry.is_directory()) classes_.push_back(entry.path().filename().string());
    std::ranges::sort(classes_);
    for (const std::string& name : classes_) {
      std::vector<std::string> found;
      for (const fs::directory_entry& entry :
           fs::recursive_directory_iterator(fs::path(folder) / name))
        if (entry.is_regular_file() && is_picture(entry.path()))
          found.push_back(entry.path().string());
      if (found.empty())
        fail(folder, fmt::format("class '{}' has no picture; expected .png, .jpg or .jpeg files in "
                                 "its folder, or no such folder",
                                 name));
      std::ranges::sort(found);
      labels_.insert(labels_.end(), found.size(), static_cast<std::int64_t>(&name - &classes_[0]));
      paths_.insert(paths_.end(), std::make_move_iterator(found.begin()),
                    std::make_move_iterator(found.end()));
    }
  } catch (const fs::filesystem_error& e) {
    fail(e.path1().string(), fmt::format("cannot be read: {}", e.code().message()));
  }
  if (classes_.empty()) fail(folder, "has no sub-folder; expected one per class");
}

Sample ImageFolder::get(std::int64_t index, PhiloxState) const {
  if (index < 0 || index >= size())
    throw ArgumentError(
        fmt::format("[image_folder] index {}; expected 0 <= index < {}, the number "
                    "of pictures",
                    index, size()));
  const auto i = static_cast<std::size_t>(index);
  return {read_image(paths_[i], options_, std::source_location()), tensor(labels_[i], kInt64)};
}

Tensor ImageFolder::labels() const { return tensor(labels_, {size()}); }

}  // namespace catena::train
