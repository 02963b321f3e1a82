// Pictures made of tensors: PNG files, and many images side by side.
//
//   write_png(image_grid(conv.weight(), {.scale = 8, .stretch = true}), "out/filters.png");
#pragma once

#include <cstdint>
#include <source_location>
#include <string>

#include "catena/graph/tensor.hpp"

namespace catena::train {

struct ImageGridOptions {
  std::int64_t columns = 0;  // 0: as many as rows, or one more
  std::int64_t scale = 1;    // pixels of the grid, across and down, for one of an image
  std::int64_t gap = 1;      // pixels between the images and around them
  double background = 1;     // value in the gaps and where no image is
  bool stretch = false;      // each image from its least value, which becomes 0, to its largest, 1
};

// The images [n, height, width] or [n, channels, height, width], row by row, as one of float32,
// [channels, ...]. Errors: another rank, no images, columns or gap below 0, scale below 1.
Tensor image_grid(const Tensor& images, ImageGridOptions options = {},
                  std::source_location loc = std::source_location::current());

// The image [height, width], [1, height, width] (gray) or [3, height, width] (red, green, blue) as
// a PNG file, whose folder is made: uint8, or floating with 0 black and 1 full, values beyond
// clamped, NaN black. Errors: ArgumentError for another shape or dtype, SystemError when the file
// cannot be written.
void write_png(const Tensor& image, const std::string& path,
               std::source_location loc = std::source_location::current());

}  // namespace catena::train
