// IDX files: dtypes, compression, and files that claim what they do not hold.
#include <gtest/gtest.h>
#include <zlib.h>

#include "catena/train/idx.hpp"
#include "support.hpp"
#include "temp_folder.hpp"

namespace catena::test {
namespace {

using train::read_idx;

// Magic number, sizes and data, as bytes.
std::string idx(int code, std::initializer_list<std::uint32_t> sizes, const std::string& data) {
  std::string out{'\0', '\0', static_cast<char>(code), static_cast<char>(sizes.size())};
  for (const std::uint32_t size : sizes)
    for (int shift = 24; shift >= 0; shift -= 8) out += static_cast<char>(size >> shift);
  return out + data;
}

std::string gzip(const std::string& bytes) {
  z_stream z{};
  deflateInit2(&z, 9, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string out(deflateBound(&z, bytes.size()) + 64, '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  z.avail_in = static_cast<uInt>(bytes.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

TEST(Idx, ReadsEveryDtypePlainAndCompressed) {
  const TempFolder folder;
  const struct {
    int code;
    std::string data;
    Tensor expected;
  } cases[] = {
      {0x08, {"\x01\xff", 2}, tensor({1, 255}, kUInt8)},
      {0x09, {"\x01\xff", 2}, tensor({1, -1}, kInt8)},
      {0x0B, {"\x01\x02\xff\xfe", 4}, tensor({258, -2}, kInt16)},
      {0x0C, {"\0\x01\0\x02\xff\xff\xff\xfe", 8}, tensor({65538, -2}, kInt32)},
      {0x0D, {"\x3f\xc0\0\0\xc0\0\0\0", 8}, tensor({1.5, -2})},
      {0x0E, {"\x3f\xf8\0\0\0\0\0\0\xc0\0\0\0\0\0\0\0", 16}, tensor({1.5, -2}, kFloat64)},
  };
  for (const auto& c : cases) {
    const std::string bytes = idx(c.code, {2}, c.data);
    EXPECT_TRUE(same_bits(read_idx(folder.write("plain", bytes)), c.expected));
    EXPECT_TRUE(same_bits(read_idx(folder.write("file.gz", gzip(bytes))), c.expected));
  }
  const Tensor images = read_idx(folder.write("images", idx(8, {2, 1, 3}, "abcdef")));
  EXPECT_TRUE(same_bits(images, tensor({{{97, 98, 99}}, {{100, 101, 102}}}, kUInt8)));
  EXPECT_EQ(read_idx(folder.write("none", idx(8, {0, 4000000000u, 4000000000u}, ""))).shape(),
            (Shape{0, 4000000000, 4000000000}));
  EXPECT_EQ(
      read_idx(folder.write("many.gz", gzip(idx(8, {3000000}, std::string(3000000, 'x'))))).numel(),
      3000000);
}

TEST(Idx, RefusesDamagedFiles) {
  const TempFolder folder;
  const auto refused = [&](const std::string& bytes, std::initializer_list<const char*> parts) {
    const std::string path = folder.write("file", bytes);
    expect_error<SystemError>([&] { read_idx(path); }, parts);
    expect_error<SystemError>([&] { read_idx(path); }, {path.c_str(), "idx_test.cpp"});
  };
  refused("", {"the magic number at byte 0 take 4 bytes, the file has 0 more"});
  refused("PNG\r stuff", {"not an IDX file: it starts with 50 4e 47 0d"});
  refused(idx(0x0A, {1}, "x"), {"not an IDX file: it starts with 00 00 0a 01"});
  refused(std::string("\0\0\x08\0", 4), {"byte 3: 0 dimensions; expected 1 to 8"});
  refused(std::string("\0\0\x08\x09", 4), {"byte 3: 9 dimensions"});
  refused(idx(8, {2, 3}, "").substr(0, 10), {"the sizes at byte 8 take 4 bytes, the file has 2"});
  refused(idx(8, {2, 3}, "abcde"), {"sizes [2, 3] of uint8 need more bytes than the 5", "byte 12"});
  refused(idx(8, {2, 3}, "abcdefg"), {"bytes follow the values [2, 3] of uint8"});
  // Sizes whose product is 0 modulo 2^64.
  refused(idx(8, {1u << 31, 1u << 31, 4}, "abcd"), {"need more bytes than the 4"});
  refused(idx(0x0E, {1u << 30, 1u << 31}, "abcdefgh"), {"need more bytes than the 8"});
}

TEST(Idx, RefusesDamagedCompression) {
  const TempFolder folder;
  const auto refused = [&](const std::string& bytes, std::initializer_list<const char*> parts) {
    const std::string path = folder.write("file.gz", bytes);
    expect_error<SystemError>([&] { read_idx(path); }, parts);
  };
  refused(gzip(idx(8, {4000000000u, 4}, "abcd")), {"need more bytes than"});
  refused(gzip(idx(8, {60}, "abcd")),
          {"the values [60] of uint8 at byte 8 take 60 bytes", "has 4"});
  refused(gzip(idx(8, {3}, "abcd")), {"bytes follow the values"});
  std::string text;
  for (int i = 0; i < 5000; ++i) text += static_cast<char>(i * i % 251);
  const std::string whole = gzip(idx(8, {5000}, text));
  refused(whole.substr(0, whole.size() / 2), {"damaged file: at byte", "unexpected end of file"});
  std::string flipped = whole;
  flipped[flipped.size() - 6] = static_cast<char>(flipped[flipped.size() - 6] ^ 1);
  refused(flipped, {"incorrect data check"});
  expect_error<SystemError>([&] { read_idx(folder.path()); }, {"not a regular file"});
  expect_error<SystemError>([&] { read_idx(folder.path() + "/none"); }, {"No such file"});
}

}  // namespace
}  // namespace catena::test
