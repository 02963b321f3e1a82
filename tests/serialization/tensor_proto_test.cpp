#include "catena/serialization/tensor_proto.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>

#include "catena/graph/error.hpp"
#include "catena/ops/all.hpp"

namespace catena {
namespace {

class TensorProto : public testing::Test {
 protected:
  void SetUp() override {
    const testing::TestInfo* info = testing::UnitTest::GetInstance()->current_test_info();
    path_ = testing::TempDir() + "tensor_proto_test_" + info->name() + ".pb";
  }
  void TearDown() override { std::filesystem::remove(path_); }

  void write(const std::string& bytes) {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }
  template <class Error>
  void expect_error(const std::string& text) {
    try {
      load_tensor_proto(path_);
      ADD_FAILURE() << "read without an error; expected: " << text;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find(text), std::string::npos) << e.what();
      EXPECT_NE(std::string(e.what()).find(path_), std::string::npos) << e.what();
    }
  }
  std::string path_;
};

TEST_F(TensorProto, RoundTripOfEveryDtype) {
  const Tensor x = tensor({{0, 1, 2}, {3, 4, 5}});
  for (int i = 0; i < kNumDTypes; ++i) {
    const Tensor before = x.to(static_cast<DType>(i));
    save_tensor_proto(before, path_, "x");
    const Tensor after = load_tensor_proto(path_);
    EXPECT_EQ(after.dtype(), before.dtype());
    EXPECT_EQ(after.shape(), Shape({2, 3})) << name_of(before.dtype());
    EXPECT_EQ(after.to_vector<double>(), before.to_vector<double>()) << name_of(before.dtype());
  }
}

TEST_F(TensorProto, RoundTripOfEveryRank) {
  for (const Shape& shape : {Shape{}, Shape{4}, Shape{1, 4}, Shape{2, 1, 2}, Shape{0, 3}}) {
    save_tensor_proto(full(shape, 2.5), path_);
    const Tensor after = load_tensor_proto(path_);
    EXPECT_EQ(after.shape(), shape);
    EXPECT_EQ(after.to_vector<float>(), std::vector<float>(shape.numel(), 2.5f));
  }
}

// The bytes as ONNX's own schema lays them out: tag = field number * 8 + wire type.
TEST_F(TensorProto, TheBytesOfOnnx) {
  save_tensor_proto(tensor({1, 2}), path_, "ab");
  std::ifstream in(path_, std::ios::binary);
  const std::string bytes((std::istreambuf_iterator<char>(in)), {});
  EXPECT_EQ(bytes, std::string("\x0a\x01\x02"  // dims (1), packed: 2
                               "\x10\x01"      // data_type (2): FLOAT
                               "\x42\x02"
                               "ab"        // name (8)
                               "\x4a\x08"  // raw_data (9)
                               "\x00\x00\x80\x3f\x00\x00\x00\x40",
                               19));
}

TEST_F(TensorProto, TypedData) {
  write(std::string("\x08\x02\x10\x01\x22\x08\x00\x00\x80\x3f\x00\x00\x00\x40", 14));
  EXPECT_EQ(load_tensor_proto(path_).to_vector<float>(), (std::vector<float>{1, 2}));
  write(std::string("\x08\x02\x10\x06\x2a\x02\x05\x07", 8));  // int32_data, dims not packed
  EXPECT_EQ(load_tensor_proto(path_).dtype(), kInt32);
  EXPECT_EQ(load_tensor_proto(path_).to_vector<int>(), (std::vector<int>{5, 7}));
  write(
      std::string("\x08\x02\x10\x0a\x2a\x04\x80\x78\x80\x01", 10));  // float16 bits 0x3c00, 0x0080
  EXPECT_EQ(load_tensor_proto(path_).dtype(), kFloat16);
  EXPECT_EQ(load_tensor_proto(path_).to_vector<float>()[0], 1.0f);
  write(std::string("\x08\x02\x10\x0c\x5a\x02\x05\x07", 8));  // uint32 in uint64_data
  EXPECT_EQ(load_tensor_proto(path_).dtype(), kUInt32);
  EXPECT_EQ(load_tensor_proto(path_).to_vector<int>(), (std::vector<int>{5, 7}));
}

TEST_F(TensorProto, DamagedAndUnsupported) {
  write(std::string("\x08\x03\x10\x01\x22\x08\x00\x00\x80\x3f\x00\x00\x00\x40", 14));
  expect_error<SystemError>("data: 2 values; float32 [3] needs 3");
  write(std::string("\x08\x02\x10\x01\x4a\x07\x00\x00\x80\x3f\x00\x00\x00", 13));
  expect_error<SystemError>("raw_data: 7 bytes; float32 [2] needs 8");
  write(std::string("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x40\x10\x01", 12));
  expect_error<SystemError>("needs more than the file holds");
  write(std::string("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01\x10\x01", 13));
  expect_error<SystemError>("dims: negative size -1");
  write(std::string("\x10\x08", 2));
  expect_error<UnsupportedError>("data_type 8");
  write(std::string("\x10\x63", 2));
  expect_error<SystemError>("data_type 99 is unknown");
  write(std::string("\x10\x01\x70\x01", 4));
  expect_error<UnsupportedError>("another file");
  write("\xff\xff\xff");
  expect_error<SystemError>("not a protobuf message");
  std::filesystem::remove(path_);
  expect_error<SystemError>(path_);
}

TEST_F(TensorProto, CutAtEveryByte) {
  save_tensor_proto(tensor({1, 2, 3}), path_, "x");
  std::ifstream in(path_, std::ios::binary);
  const std::string whole((std::istreambuf_iterator<char>(in)), {});
  for (std::size_t size = 0; size < whole.size(); ++size) {
    write(whole.substr(0, size));
    EXPECT_THROW(load_tensor_proto(path_), SystemError) << size << " bytes";
  }
}

}  // namespace
}  // namespace catena
