// Grids of images, and PNG files that read_image reads again.
#include "catena/train/image_writer.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "catena/ops/all.hpp"
#include "catena/train/image.hpp"
#include "support.hpp"
#include "temp_folder.hpp"

namespace catena::test {
namespace {

using train::image_grid;
using train::read_image;
using train::write_png;

TEST(ImageGrid, PutsImagesRowByRow) {
  const Tensor images = tensor({{{1, 2}}, {{3, 4}}, {{5, 6}}});  // three of 1 x 2
  EXPECT_TRUE(same_bits(image_grid(images, {.background = 9}), tensor({{{9, 9, 9, 9, 9, 9, 9},
                                                                        {9, 1, 2, 9, 3, 4, 9},
                                                                        {9, 9, 9, 9, 9, 9, 9},
                                                                        {9, 5, 6, 9, 9, 9, 9},
                                                                        {9, 9, 9, 9, 9, 9, 9}}})));
  EXPECT_TRUE(same_bits(
      image_grid(images, {.columns = 7, .scale = 2, .gap = 0}),
      tensor({{{1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}, {1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6}}})));
  const Tensor colour = arange(12).to(kFloat32).reshape({2, 3, 1, 2});
  EXPECT_TRUE(same_bits(image_grid(colour, {.columns = 1, .gap = 0}),
                        tensor({{{0, 1}, {6, 7}}, {{2, 3}, {8, 9}}, {{4, 5}, {10, 11}}})));
}

TEST(ImageGrid, StretchesEachImage) {
  EXPECT_TRUE(same_bits(image_grid(tensor({{{-1, 1}}, {{5, 5}}, {{0, 4}}}),
                                   {.columns = 1, .gap = 0, .stretch = true}),
                        tensor({{{0, 1}, {0, 0}, {0, 1}}})));
}

TEST(ImageGrid, RefusesOtherShapes) {
  expect_error<ArgumentError>(
      [] {
        image_grid(zeros({2, 2}));
      },
      {"[image_grid] images are [2, 2]; expected [n, height, width]", "image_writer_test.cpp"});
  expect_error<ArgumentError>([] { image_grid(zeros({0, 2, 2})); }, {"images are [0, 2, 2]"});
  expect_error<ArgumentError>([] { image_grid({}); }, {"images are undefined"});
  expect_error<ArgumentError>([] { image_grid(zeros({1, 2, 2}), {.scale = 0}); }, {"scale is 0"});
}

TEST(WritePng, IsReadAgain) {
  const TempFolder folder;
  const std::string path = folder.path() + "/made/picture.png";
  const Tensor colour = (arange(3 * 5 * 7) * 2).to(kUInt8).reshape({3, 5, 7});
  write_png(colour, path);
  EXPECT_TRUE(same_bits(read_image(path, {.dtype = kUInt8}), colour));
  write_png(colour[0], path);
  EXPECT_TRUE(same_bits(read_image(path, {.channels = 1, .dtype = kUInt8})[0], colour[0]));
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double inf = std::numeric_limits<double>::infinity();
  write_png(tensor({{{0, 0.5, 1, -3, 7, nan, inf, -inf}}}), path);
  EXPECT_TRUE(same_bits(read_image(path, {.channels = 1, .dtype = kUInt8}),
                        tensor({{{0, 128, 255, 0, 255, 0, 255, 0}}}, kUInt8)));
}

TEST(WritePng, RefusesWhatIsNoImage) {
  const TempFolder folder;
  expect_error<ArgumentError>(
      [] {
        write_png(zeros({2, 3, 3}), "x.png");
      },
      {"[write_png] the image is [2, 3, 3]; expected [height, width]"});
  expect_error<ArgumentError>([] { write_png(zeros({3, 0}), "x.png"); }, {"is [3, 0]"});
  expect_error<ArgumentError>(
      [] {
        write_png(zeros({3, 3}, kInt64), "x.png");
      },
      {"dtype is int64; expected uint8 or a floating one"});
  const std::string file = folder.write("file", std::string("x"));
  expect_error<SystemError>(
      [&] {
        write_png(zeros({3, 3}), file + "/x.png");
      },
      {"x.png: cannot be written", "image_writer_test.cpp"});
}

}  // namespace
}  // namespace catena::test
