// Pictures as Pillow reads them, resizing as torch does it, folders, and broken files.
#include "catena/train/image.hpp"

#include <gtest/gtest.h>

#include "catena/train/data.hpp"
#include "image_files.hpp"
#include "support.hpp"
#include "temp_folder.hpp"

namespace catena::test {
namespace {

using train::ImageFolder;
using train::ImageOptions;
using train::read_image;
using Bytes = std::vector<std::uint8_t>;

// JPEG values may differ by one where a library was built with other transforms.
void expect_values(const Tensor& image, const Bytes& expected, int tolerance) {
  const std::vector<int> values = image.to_vector<int>();
  ASSERT_EQ(values.size(), expected.size());
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], expected[i], tolerance);
}

TEST(Image, IsWhatPillowReads) {
  const TempFolder folder;
  const struct {
    const char* name;
    const Bytes &file, &rgb, &gray;
  } cases[] = {
      {"rgb.png", images::kRgbPng, images::kRgbPngRgb, images::kRgbPngGray},
      {"gray.png", images::kGrayPng, images::kGrayPngRgb, images::kGrayPngGray},
      {"palette.png", images::kPalettePng, images::kPalettePngRgb, images::kPalettePngGray},
      {"alpha.png", images::kAlphaPng, images::kAlphaPngRgb, images::kAlphaPngGray},
      {"bit.png", images::kBitPng, images::kBitPngRgb, images::kBitPngGray},
      {"rgb.jpg", images::kRgbJpeg, images::kRgbJpegRgb, images::kRgbJpegGray},
      {"gray.jpg", images::kGrayJpeg, images::kGrayJpegRgb, images::kGrayJpegGray},
      {"progressive.jpg", images::kProgressiveJpeg, images::kProgressiveJpegRgb,
       images::kProgressiveJpegGray},
  };
  for (const auto& c : cases) {
    SCOPED_TRACE(c.name);
    const std::string path = folder.write(c.name, c.file);
    const int tolerance = path.ends_with("jpg") ? 1 : 0;
    const Tensor rgb = read_image(path, {.dtype = kUInt8});
    EXPECT_EQ(rgb.shape(), (Shape{3, 6, 8}));
    expect_values(rgb, c.rgb, tolerance);
    const Tensor gray = read_image(path, {.channels = 1, .dtype = kUInt8});
    EXPECT_EQ(gray.shape(), (Shape{1, 6, 8}));
    expect_values(gray, c.gray, tolerance);
    const Tensor unit = read_image(path);
    EXPECT_EQ(unit.dtype(), kFloat32);
    EXPECT_EQ(unit.to_vector<float>()[5], rgb.to_vector<float>()[5] / 255.0f);
  }
  expect_values(
      read_image(folder.write("deep.png", images::kDeepPng), {.channels = 1, .dtype = kUInt8}),
      images::kDeepPngGray, 0);
}

// torch.nn.functional.interpolate(mode="bilinear", antialias=True), torch 2.6.
TEST(Image, ResizesAsTorch) {
  const TempFolder folder;
  const std::string path = folder.write("ramp.png", images::kRampPng);
  const auto resized = [&](std::int64_t height, std::int64_t width, DType dtype = kFloat32) {
    return read_image(path, {.channels = 1, .height = height, .width = width, .dtype = dtype});
  };
  const auto expect_pixels = [](const Tensor& image, std::vector<double> expected) {
    for (double& v : expected) v /= 255;
    EXPECT_TRUE(close(image, expected, 0, 1e-6));
  };
  expect_pixels(resized(2, 3), {66.7857, 95.6944, 193.75, 102.0536, 134.9306, 109.1964});
  expect_pixels(resized(1, 1), {117.609});
  expect_pixels(resized(3, 2), {95.9091, 132.2727, 60.0, 180.0, 141.3636, 84.7273});
  expect_pixels(resized(6, 7), {10.0,   118.5714, 151.4285, 30.0,   72.8571,  158.5714, 250.0,
                                7.5,    97.5,     132.8571, 52.5,   95.3571,  170.3571, 247.5,
                                2.5,    55.3571,  95.7143,  97.5,   140.3571, 193.9286, 242.5,
                                63.75,  53.75,    76.9643,  153.75, 141.25,   163.25,   199.25,
                                191.25, 92.6786,  76.6072,  221.25, 98.0357,  78.3214,  117.75,
                                255.0,  112.1429, 76.4286,  255.0,  76.4285,  35.8571,  77.0});
  EXPECT_TRUE(close(resized(2, 3, kUInt8), {67, 96, 194, 102, 135, 109}));
  EXPECT_EQ(resized(6, 0).shape(), (Shape{1, 6, 10}));
  EXPECT_EQ(resized(0, 10).shape(), (Shape{1, 6, 10}));
}

TEST(Image, RefusesBrokenFiles) {
  const TempFolder folder;
  const auto refused = [&](const Bytes& bytes, std::initializer_list<const char*> parts,
                           ImageOptions options = {}) {
    const std::string path = folder.write("picture", bytes);
    expect_error<SystemError>([&] { read_image(path, options); }, parts);
    expect_error<SystemError>([&] { read_image(path, options); }, {path.c_str(), "image_test.cpp"});
  };
  refused({}, {"neither a PNG nor a JPEG file"});
  refused({'G', 'I', 'F', '8'}, {"neither a PNG nor a JPEG file"});
  refused(images::kRgbPng, {"8 x 6 pixels; expected at most 47 (max_pixels)"}, {.max_pixels = 47});
  refused(images::kRgbJpeg, {"8 x 6 pixels; expected at most 47 (max_pixels)"}, {.max_pixels = 47});
  refused(images::kRgbPng, {"80 x 60 pixels after resizing; expected at most 100"},
          {.height = 60, .max_pixels = 100});
  // Cut anywhere, a file is refused and nothing else happens.
  for (const Bytes* whole : {&images::kRgbPng, &images::kRgbJpeg, &images::kProgressiveJpeg})
    for (std::size_t size = 8; size + 2 < whole->size(); size += 7)
      refused(Bytes(whole->begin(), whole->begin() + static_cast<std::ptrdiff_t>(size)), {});
  // Flipped bits are noticed or give some picture.
  for (const Bytes* whole : {&images::kRgbPng, &images::kPalettePng, &images::kProgressiveJpeg})
    for (std::size_t i = 2; i < whole->size(); ++i) {
      Bytes flipped = *whole;
      flipped[i] ^= static_cast<std::uint8_t>(1u << i % 8);
      try {
        read_image(folder.write("picture", flipped), {.max_pixels = 10'000});
      } catch (const Error&) {
      }
    }
  expect_error<UnsupportedError>([&] { read_image(folder.write("cmyk.jpg", images::kCmykJpeg)); },
                                 {"CMYK"});
  expect_error<SystemError>([&] { read_image(folder.path()); }, {"not a regular file"});
  expect_error<ArgumentError>([] { read_image("x.png", {.channels = 4}); },
                              {"channels is 4; expected 1 or 3"});
  expect_error<ArgumentError>([] { read_image("x.png", {.dtype = kInt64}); }, {"dtype is int64"});
}

TEST(ImageFolder, IsADataSetOfItsSubfolders) {
  const TempFolder folder;
  folder.write("dog/b.png", images::kRgbPng);
  folder.write("dog/more/a.JPG", images::kRgbJpeg);
  folder.write("dog/notes.txt", Bytes{1});
  folder.write("cat/z.png", images::kGrayPng);
  folder.write("list.csv", Bytes{1});
  const auto data =
      std::make_shared<ImageFolder>(folder.path(), ImageOptions{.height = 4, .width = 5});
  EXPECT_EQ(data->classes(), (std::vector<std::string>{"cat", "dog"}));
  EXPECT_EQ(data->size(), 3);
  EXPECT_TRUE(same_bits(data->labels(), tensor({0, 1, 1}, kInt64)));
  EXPECT_TRUE(data->paths()[2].ends_with("dog/more/a.JPG"));
  train::DataLoader loader(data, {.batch_size = 3, .workers = 2});
  for (auto [x, y] : loader) {
    EXPECT_EQ(x.shape(), (Shape{3, 3, 4, 5}));
    EXPECT_TRUE(same_bits(y, data->labels()));
  }
  folder.write("cat/z.png", Bytes{'n', 'o'});
  expect_error<SystemError>(
      [&] {
        for ([[maybe_unused]] auto& batch : loader) {
        }
      },
      {"[data_loader] item 0: [read_image]", "z.png: neither a PNG nor a JPEG"});
}

TEST(ImageFolder, RefusesWhatIsNone) {
  const TempFolder folder;
  expect_error<SystemError>([&] { ImageFolder{folder.path()}; },
                            {"has no sub-folder; expected one per class", "image_test.cpp"});
  expect_error<SystemError>([&] { ImageFolder{folder.path() + "/none"}; },
                            {"none: cannot be read: No such file"});
  folder.write("cat/z.txt", Bytes{1});
  expect_error<SystemError>([&] { ImageFolder{folder.path()}; }, {"class 'cat' has no picture"});
}

}  // namespace
}  // namespace catena::test
