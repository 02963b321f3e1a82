#include "catena/train/idx.hpp"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <memory>
#include <string_view>

#include "catena/graph/error.hpp"

namespace catena::train {

namespace {

static_assert(std::endian::native == std::endian::little, "elements are turned around");

// zlib's inflate makes at most 1032 bytes of one.
constexpr std::uintmax_t kMostInflation = 1032;

// Reads plain files and gzip alike.
class Reader {
 public:
  Reader(const std::string& path, const std::source_location& loc) : path_(path), loc_(loc) {
    std::error_code error;
    if (std::filesystem::exists(path, error) && !std::filesystem::is_regular_file(path, error))
      fail("is not a regular file; expected an IDX file");
    errno = 0;
    file_.reset(gzopen(path.c_str(), "rb"));
    if (!file_) fail(fmt::format("cannot be opened: {}", std::strerror(errno ? errno : ENOMEM)));
    size_ = std::filesystem::file_size(path, error);
    if (error) fail(fmt::format("its size is unknown: {}", error.message()));
    gzbuffer(file_.get(), 1 << 18);
  }

  [[noreturn]] void fail(std::string_view what) const {
    throw SystemError(fmt::format("[read_idx] {}: {}{}", path_, what, called_at(loc_)));
  }

  // At most `bytes`; fewer at the end of the file.
  std::uint64_t read_some(void* data, std::uint64_t bytes) {
    constexpr std::uint64_t kMost = 1 << 30;  // of one call of zlib
    char* to = static_cast<char*>(data);
    std::uint64_t done = 0;
    while (done < bytes) {
      const int n =
          gzread(file_.get(), to + done, static_cast<unsigned>(std::min(bytes - done, kMost)));
      int code = Z_OK;
      const char* message = gzerror(file_.get(), &code);
      if (n < 0 || (code != Z_OK && code != Z_STREAM_END))
        fail(fmt::format("damaged file: at byte {} of the data: {}", at_ + done, message));
      if (n == 0) break;
      done += static_cast<std::uint64_t>(n);
    }
    at_ += done;
    return done;
  }
  void read(void* data, std::uint64_t bytes, std::string_view what) {
    const std::uint64_t from = at_, got = read_some(data, bytes);
    if (got < bytes)
      fail(fmt::format("damaged file: {} at byte {} take {} bytes, the file has {} more", what,
                       from, bytes, got));
  }
  // Bytes that can follow what has been read.
  std::uintmax_t most_left() {
    const bool plain = gzdirect(file_.get()) != 0;
    if (!plain) return size_ * kMostInflation;
    return size_ > at_ ? size_ - at_ : 0;
  }

 private:
  struct Close {
    void operator()(gzFile file) const { gzclose(file); }
  };
  const std::string& path_;
  const std::source_location& loc_;
  std::unique_ptr<gzFile_s, Close> file_;
  std::uintmax_t size_ = 0;
  std::uint64_t at_ = 0;
};

bool find_dtype(std::uint8_t code, DType* dtype) {
  switch (code) {
    case 0x08:
      *dtype = kUInt8;
      return true;
    case 0x09:
      *dtype = kInt8;
      return true;
    case 0x0B:
      *dtype = kInt16;
      return true;
    case 0x0C:
      *dtype = kInt32;
      return true;
    case 0x0D:
      *dtype = kFloat32;
      return true;
    case 0x0E:
      *dtype = kFloat64;
      return true;
    default:
      return false;
  }
}

}  // namespace

Tensor read_idx(const std::string& path, std::source_location loc) {
  Reader in(path, loc);
  std::uint8_t magic[4];
  in.read(magic, sizeof magic, "the magic number");
  DType dtype = kUInt8;
  if (magic[0] != 0 || magic[1] != 0 || !find_dtype(magic[2], &dtype))
    in.fail(
        fmt::format("not an IDX file: it starts with {:02x} {:02x} {:02x} {:02x}; expected 00 "
                    "00, then 08, 09 or 0b to 0e",
                    magic[0], magic[1], magic[2], magic[3]));
  if (magic[3] < 1 || magic[3] > kMaxRank)
    in.fail(fmt::format("byte 3: {} dimensions; expected 1 to {}", magic[3], kMaxRank));

  Shape shape;
  for (int d = 0; d < magic[3]; ++d) {
    std::uint8_t b[4];
    in.read(b, sizeof b, "the sizes");
    shape.push_back(std::int64_t{b[0]} << 24 | b[1] << 16 | b[2] << 8 | b[3]);
  }
  const std::uintmax_t width = size_of(dtype), most = in.most_left();
  std::uintmax_t bytes = width;
  for (const std::int64_t size : shape)
    if (size == 0) bytes = 0;
  for (const std::int64_t size : shape) {
    if (bytes != 0 && static_cast<std::uintmax_t>(size) > most / bytes)
      in.fail(
          fmt::format("damaged file: the sizes {} of {} need more bytes than the {} that can "
                      "follow byte {}",
                      to_string(shape), name_of(dtype), most, 4 + 4 * shape.rank()));
    bytes *= static_cast<std::uintmax_t>(size);
  }

  Tensor out = empty(shape, dtype, loc);
  visit_dtype(dtype, [&]<class T>(T) {
    char* data = reinterpret_cast<char*>(out.data<T>(loc));
    in.read(data, bytes, fmt::format("the values {} of {}", to_string(shape), name_of(dtype)));
    if constexpr (sizeof(T) > 1)
      for (std::uintmax_t i = 0; i < bytes; i += width) std::reverse(data + i, data + i + width);
  });
  char more;
  if (in.read_some(&more, 1) > 0)
    in.fail(fmt::format("damaged file: bytes follow the values {} of {}; expected the end",
                        to_string(shape), name_of(dtype)));
  return out;
}

}  // namespace catena::train
