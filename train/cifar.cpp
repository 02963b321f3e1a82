#include "catena/train/cifar.hpp"

#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <string_view>

#include "catena/graph/error.hpp"
#include "catena/ops/all.hpp"

namespace catena::train {

namespace {

constexpr std::int64_t kSide = 32, kPicture = 3 * kSide * kSide, kRecord = 1 + kPicture;

}  // namespace

Dataset read_cifar10_file(const std::string& path, std::source_location loc) {
  const auto fail = [&](std::string_view what) {
    throw SystemError(fmt::format("[read_cifar10] {}: {}{}", path, what, called_at(loc)));
  };
  std::error_code error;
  if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error))
    fail("is not a regular file; expected one of CIFAR-10's");
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(fmt::format("cannot be opened: {}", std::strerror(errno)));
  const std::uintmax_t bytes = std::filesystem::file_size(path, error);
  if (error) fail(fmt::format("its size is unknown: {}", error.message()));
  if (bytes == 0 || bytes % kRecord != 0)
    fail(
        fmt::format("not a file of CIFAR-10: it has {} bytes; expected a multiple of {}, which "
                    "are a label and 3 x 32 x 32 pixels",
                    bytes, kRecord));

  const auto n = static_cast<std::int64_t>(bytes / kRecord);
  Tensor x = empty({n, 3, kSide, kSide}, kUInt8, loc), y = empty({n}, kInt64, loc);
  std::uint8_t* pixels = x.data<std::uint8_t>(loc);
  std::int64_t* labels = y.data<std::int64_t>(loc);
  for (std::int64_t i = 0; i < n; ++i) {
    const int label = in.get();
    in.read(reinterpret_cast<char*>(pixels + i * kPicture), kPicture);
    if (!in) fail(fmt::format("cannot be read at byte {}", i * kRecord));
    if (label > 9)
      fail(fmt::format("not a file of CIFAR-10: the label at byte {} is {}; expected 0 to 9",
                       i * kRecord, label));
    labels[i] = label;
  }
  return {x, y};
}

Dataset read_cifar10(const std::string& folder, bool training, std::source_location loc) {
  const std::filesystem::path base = folder;
  if (!training) return read_cifar10_file((base / "test_batch.bin").string(), loc);
  std::vector<Tensor> x, y;
  for (int k = 1; k <= 5; ++k) {
    const Dataset part =
        read_cifar10_file((base / fmt::format("data_batch_{}.bin", k)).string(), loc);
    x.push_back(part.x);
    y.push_back(part.y);
  }
  return {concat(x, 0), concat(y, 0)};
}

const std::vector<std::string>& cifar10_classes() {
  static const std::vector<std::string> names = {
      "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};
  return names;
}

}  // namespace catena::train
