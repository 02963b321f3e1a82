// PNG and JPEG pictures as tensors, and folders of them as data sets.
//
//   auto data = std::make_shared<ImageFolder>("train/", ImageOptions{.height = 64, .width = 64});
//   DataLoader loader(data, {.batch_size = 32, .shuffle = true, .workers = 4});
#pragma once

#include <cstdint>
#include <source_location>
#include <string>
#include <vector>

#include "catena/graph/tensor.hpp"
#include "catena/train/dataset.hpp"

namespace catena::train {

struct ImageOptions {
  int channels = 3;  // 3: red, green, blue; 1: gray
  // Bilinear, antialiased where it shrinks (torch's interpolate with antialias). 0: as in the file;
  // one of them 0: in proportion.
  std::int64_t height = 0, width = 0;
  DType dtype = kFloat32;                // values in [0, 1]; kUInt8: 0 to 255
  std::int64_t max_pixels = 89'478'485;  // a file that claims more is refused before it is decoded
};

// The picture in `path`, [channels, height, width]. Palettes are resolved, 16-bit samples keep
// their high byte, transparency is dropped; gray is (299 R + 587 G + 114 B) / 1000. Orientation
// tags and colour profiles are not applied. Throws SystemError, with path and reason, for a file
// that cannot be read, is neither PNG nor JPEG, is damaged or shortened, or has more than
// max_pixels; UnsupportedError for CMYK; ArgumentError for the options.
Tensor read_image(const std::string& path, ImageOptions options = {},
                  std::source_location loc = std::source_location::current());

// One sub-folder per class: samples are the .png, .jpg and .jpeg files below it, targets (int64)
// the class's number. Classes are sorted by name, files by path. Pictures are decoded when asked
// for.
class ImageFolder : public ItemDataset {
 public:
  // Throws SystemError when the folder cannot be read, has no sub-folder, or one is empty.
  explicit ImageFolder(const std::string& folder, ImageOptions options = {},
                       std::source_location loc = std::source_location::current());

  std::int64_t size() const override { return static_cast<std::int64_t>(paths_.size()); }
  Sample get(std::int64_t index, PhiloxState random = {}) const override;

  const std::vector<std::string>& classes() const { return classes_; }
  const std::vector<std::string>& paths() const { return paths_; }
  // The classes' numbers, [size()], for samplers and splits.
  Tensor labels() const;

 private:
  ImageOptions options_;
  std::vector<std::string> classes_, paths_;
  std::vector<std::int64_t> labels_;
};

}  // namespace catena::train
