#include "catena/serialization/npy.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "catena/graph/error.hpp"
#include "catena/ops/all.hpp"

namespace catena {
namespace {

class Npy : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = testing::TempDir() + "npy_test_" + info->name() + ".npy";
  }
  void TearDown() override { std::filesystem::remove(path_); }

  // A version 1 file with this header text and data.
  void write(std::string header, const std::string& data) {
    header += '\n';
    std::ofstream out(path_, std::ios::binary);
    out << std::string("\x93NUMPY\x01\x00", 8) << static_cast<char>(header.size() & 0xff)
        << static_cast<char>(header.size() >> 8) << header << data;
  }
  template <class Error>
  void expect_error(const std::string& text) {
    try {
      load_npy(path_);
      ADD_FAILURE() << "read without an error; expected: " << text;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find(path_), std::string::npos) << e.what();
    }
  }
  std::string path_;
};

TEST_F(Npy, RoundTripOfEveryDtype) {
  const Tensor x = tensor({{0, 1, 2}, {3, 4, 5}});
  for (int i = 0; i < kNumDTypes; ++i) {
    const DType dtype = static_cast<DType>(i);
    if (dtype == kBFloat16) continue;
    const Tensor before = x.to(dtype);
    save_npy(before, path_);
    const Tensor after = load_npy(path_);
    EXPECT_EQ(after.dtype(), dtype);
    EXPECT_EQ(after.shape(), Shape({2, 3})) << name_of(dtype);
    EXPECT_EQ(after.to_vector<double>(), before.to_vector<double>()) << name_of(dtype);
  }
}

TEST_F(Npy, RoundTripOfEveryRank) {
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{1, 4}, Shape{2, 1, 2}, Shape{0, 3}}) {
    const Tensor before = full(shape, 2.5);
    save_npy(before, path_);
    EXPECT_EQ(std::filesystem::file_size(path_) % 64,
              static_cast<std::size_t>(shape.numel() * 4) % 64);
    const Tensor after = load_npy(path_);
    EXPECT_EQ(after.shape(), shape);
    EXPECT_EQ(after.to_vector<float>(), before.to_vector<float>());
  }
}

TEST_F(Npy, ViewsAreSavedRowMajor) {
  save_npy(tensor({{1, 2}, {3, 4}}).t(), path_);
  EXPECT_EQ(load_npy(path_).to_vector<float>(), (std::vector<float>{1, 3, 2, 4}));
}

TEST_F(Npy, FortranOrder) {
  write("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3), }",
        std::string("\x00\x03\x01\x04\x02\x05", 6));
  const Tensor x = load_npy(path_);
  EXPECT_EQ(x.shape(), Shape({2, 3}));
  EXPECT_TRUE(x.is_contiguous());
  EXPECT_EQ(x.to_vector<int>(), (std::vector<int>{0, 1, 2, 3, 4, 5}));
}

TEST_F(Npy, BigEndian) {
  write("{'descr': '>i4', 'fortran_order': False, 'shape': (2,), }",
        std::string("\x00\x00\x01\x02\xff\xff\xff\xfe", 8));
  EXPECT_EQ(load_npy(path_).to_vector<int>(), (std::vector<int>{258, -2}));
}

TEST_F(Npy, HostileHeaders) {
  const std::string some(8, '\0');
  write("{'descr': '<f4', 'fortran_order': False, 'shape': (4611686018427387904, 4), }", some);
  expect_error<SystemError>(
      "damaged file: the shape [4611686018427387904, 4] of float32 needs more than the 8 bytes");
  write("{'descr': '<f4', 'fortran_order': False, 'shape': (-1,), }", some);
  expect_error<SystemError>("'shape' is not a tuple of sizes");
  write("{'descr': '<f4', 'fortran_order': False, 'shape': (99999999999999999999,), }", some);
  expect_error<SystemError>("'shape' is not a tuple of sizes");
  write("{'descr': '<f4', 'fortran_order': False, 'shape': (1,), }", some);
  expect_error<SystemError>("8 bytes follow the header; the shape [1] of float32 needs 4");
  write("{'descr': '<f4', 'fortran_order': False, 'shape': (0, 4611686018427387904), }", "");
  EXPECT_EQ(load_npy(path_).numel(), 0);
  write("{'descr': '<f4', 'fortran_order': Maybe, 'shape': (2,), }", some);
  expect_error<SystemError>("'fortran_order' is neither True nor False");
  write("{'descr': '<f4', 'shape': (2,), }", some);
  expect_error<SystemError>("the header lacks one of");
  write("{'descr': '<f4', 'fortran_order': False, 'shape': (2,", some);
  expect_error<SystemError>("damaged file");
  write("{'descr': '<c8', 'fortran_order': False, 'shape': (1,), }", some);
  expect_error<UnsupportedError>("dtype '<c8' cannot be read");
  write("{'descr': '|O', 'fortran_order': False, 'shape': (1,), }", some);  // a pickle
  expect_error<UnsupportedError>("dtype '|O' cannot be read");
  write("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,), }", some);
  expect_error<UnsupportedError>("arrays of records");
  write("{'descr': '|u1', 'fortran_order': False, 'shape': (1, 1, 1, 1, 1, 1, 1, 1, 8), }", some);
  expect_error<UnsupportedError>("9 dimensions; a tensor has at most 8");
}

TEST_F(Npy, CutAtEveryByte) {
  save_npy(tensor({1, 2, 3}), path_);
  std::ifstream in(path_, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << whole.substr(0, size);
    EXPECT_THROW(load_npy(path_), SystemError) << size << " bytes";
  }
}

TEST_F(Npy, FilesThatCannotBe) {
  expect_error<SystemError>("No such file or directory");
  EXPECT_THROW(load_npy(testing::TempDir()), SystemError);
  EXPECT_THROW(save_npy(ones({2}), testing::TempDir() + "no/such/folder/x.npy"), SystemError);
  EXPECT_THROW(save_npy(Tensor(), path_), ArgumentError);
  EXPECT_THROW(save_npy(ones({2}, kBFloat16), path_), UnsupportedError);
  std::ofstream(path_) << "plain text, long enough";
  expect_error<SystemError>("not a .npy file");
}

}  // namespace
}  // namespace catena
