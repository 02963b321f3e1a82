// CIFAR-10's files: pictures, labels, and files that are none.
#include "catena/train/cifar.hpp"

#include <gtest/gtest.h>

#include "catena/ops/all.hpp"
#include "support.hpp"
#include "temp_folder.hpp"

namespace catena::test {
namespace {

using train::read_cifar10;
using train::read_cifar10_file;

// A label and a picture whose pixel i is start + i.
std::string record(int label, int start) {
  std::string out(1, static_cast<char>(label));
  for (int i = 0; i < 3 * 32 * 32; ++i) out += static_cast<char>(start + i);
  return out;
}

TEST(Cifar, ReadsLabelsAndPlanes) {
  const TempFolder folder;
  const train::Dataset data = read_cifar10_file(folder.write("f", record(9, 7) + record(0, 200)));
  EXPECT_EQ(data.x.shape(), (Shape{2, 3, 32, 32}));
  EXPECT_EQ(data.x.dtype(), kUInt8);
  EXPECT_TRUE(same_bits(data.y, tensor({9, 0}, kInt64)));
  const auto pixel = [&](int n, int c, int row, int column) {
    return data.x.slice({n, c, row, column}).item<int>();
  };
  EXPECT_EQ(pixel(0, 0, 0, 3), 10);
  EXPECT_EQ(pixel(0, 1, 2, 5), (7 + 1024 + 2 * 32 + 5) % 256);
  EXPECT_EQ(pixel(1, 2, 31, 31), (200 + 3071) % 256);
  EXPECT_EQ(train::cifar10_classes().at(9), "truck");
}

TEST(Cifar, AFolderHoldsFiveBatchesAndATest) {
  const TempFolder folder;
  for (int k = 1; k <= 5; ++k)
    folder.write("data_batch_" + std::to_string(k) + ".bin", record(k, k));
  folder.write("test_batch.bin", record(8, 0));
  EXPECT_TRUE(same_bits(read_cifar10(folder.path()).y, tensor({1, 2, 3, 4, 5}, kInt64)));
  EXPECT_EQ(read_cifar10(folder.path()).x.slice({4, 0, 0, 0}).item<int>(), 5);
  EXPECT_TRUE(same_bits(read_cifar10(folder.path(), false).y, tensor({8}, kInt64)));
  std::filesystem::remove(folder.path() + "/data_batch_3.bin");
  expect_error<SystemError>([&] { read_cifar10(folder.path()); },
                            {"data_batch_3.bin: cannot be opened: No such file", "cifar_test.cpp"});
}

TEST(Cifar, RefusesOtherFiles) {
  const TempFolder folder;
  const auto refused = [&](const std::string& bytes, std::initializer_list<const char*> parts) {
    const std::string path = folder.write("file", bytes);
    expect_error<SystemError>([&] { read_cifar10_file(path); }, parts);
    expect_error<SystemError>([&] { read_cifar10_file(path); }, {path.c_str(), "cifar_test.cpp"});
  };
  refused("", {"it has 0 bytes; expected a multiple of 3073"});
  refused(record(1, 0) + "x", {"it has 3074 bytes"});
  refused(record(1, 0) + record(10, 0), {"the label at byte 3073 is 10; expected 0 to 9"});
  refused(record(255, 0), {"the label at byte 0 is 255"});
  expect_error<SystemError>([&] { read_cifar10_file(folder.path()); }, {"not a regular file"});
}

}  // namespace
}  // namespace catena::test
