// .catena files made byte by byte, to test readers with what no writer writes. Written from the
// format's description (serialization/layout.hpp, catena_file.proto), not with its code.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>
#include <vector>

#include <xxhash.h>

#include "message_builder.hpp"

namespace catena::test {

inline void put(std::string& bytes, std::size_t at, std::uint64_t value) {
  std::memcpy(bytes.data() + at, &value, sizeof value);
}
inline std::uint64_t get(const std::string& bytes, std::size_t at) {
  std::uint64_t value;
  std::memcpy(&value, bytes.data() + at, sizeof value);
  return value;
}

// Makes the checksums of preamble and header true again after a change.
inline void repair(std::string& file) {
  const std::uint64_t header_bytes = get(file, 16);
  if (header_bytes <= file.size() - 64) put(file, 32, XXH3_64bits(file.data() + 64, header_bytes));
  put(file, 56, XXH3_64bits(file.data(), 56));
}

// A whole file around this header and these tensors' bytes.
inline std::string make_file(const std::string& header, const std::vector<std::string>& data = {}) {
  std::string file(64, '\0');
  std::memcpy(file.data(),
              "\x89"
              "CATENA\n",
              8);
  file[8] = 1;
  put(file, 16, header.size());
  file += header;
  const auto pad = [&] { file.resize((file.size() + 63) / 64 * 64); };
  for (const std::string& bytes : data) {
    pad();
    file += bytes;
  }
  pad();
  file += "\nCATEND\n";
  file.resize(file.size() + 8);
  put(file, 24, file.size());
  put(file, file.size() - 8, file.size());
  repair(file);
  return file;
}

// float32 values that lie at `offset`.
inline Message tensor_record(std::uint64_t offset, const std::string& bytes,
                             const std::vector<std::int64_t>& sizes, int dtype = 1) {
  Message m;
  m.number(1, static_cast<std::uint64_t>(dtype));
  for (std::int64_t size : sizes) m.number(2, static_cast<std::uint64_t>(size));
  m.fixed(3, offset).fixed(4, bytes.size()).fixed(5, XXH3_64bits(bytes.data(), bytes.size()));
  return m;
}

inline std::string read_file(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}
inline void write_file(const std::string& path, const std::string& bytes) {
  std::ofstream out(path, std::ios::binary | std::ios::trunc);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
}

// A folder of its own for each test, gone when the test ends.
class FileTest : public ::testing::Test {
 protected:
  void SetUp() override {
    const ::testing::TestInfo* info = ::testing::UnitTest::GetInstance()->current_test_info();
    folder_ = ::testing::TempDir() + "catena_" + info->test_suite_name() + "_" + info->name();
    std::filesystem::remove_all(folder_);
    std::filesystem::create_directories(folder_);
    path_ = folder_ + "/file.catena";
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::size_t files_in_folder() const {
    return static_cast<std::size_t>(
        std::distance(std::filesystem::directory_iterator(folder_), {}));
  }
  std::string folder_, path_;
};

}  // namespace catena::test
