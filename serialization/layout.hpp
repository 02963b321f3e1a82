// The bytes of a .catena file around its header, version 1. Not a public header.
//
//   0   magic                "\x89CATENA\n"
//   8   format version       u32
//   12  0                    u32
//   16  header bytes         u64
//   24  file bytes           u64
//   32  header's XXH3-64     u64
//   40  0                    u64, twice
//   56  XXH3-64 of bytes 0 to 55
//   64  header               protobuf, see catena_file.proto
//   ..  tensors, in the header's order, each at the next multiple of 64
//   ..  end mark             at the next multiple of 64: "\nCATEND\n", then file bytes as u64
//
// Everything between these is zero. Numbers are little-endian.
#pragma once

#include <bit>
#include <cstdint>
#include <string>

#include "catena/serialization/file.hpp"
#include "catena/serialization/options.hpp"

namespace catena::file_format {
class FileHeader;
}

namespace catena::detail {

static_assert(std::endian::native == std::endian::little);

inline constexpr char kMagic[9] =
    "\x89"
    "CATENA\n";
inline constexpr char kEndMark[9] = "\nCATEND\n";
inline constexpr std::uint64_t kAlignment = 64;
// Streams hash each block while it is in the cache. Writers of smaller ones hand the file system's
// lock to each other too often.
inline constexpr std::size_t kBlockBytes = std::size_t{1} << 20;

struct Preamble {
  char magic[8];
  std::uint32_t version;
  std::uint32_t zero = 0;
  std::uint64_t header_bytes;
  std::uint64_t file_bytes;
  std::uint64_t header_checksum;
  std::uint64_t zeros[2] = {};
  std::uint64_t checksum;
};
static_assert(sizeof(Preamble) == 64);

struct EndMark {
  char mark[8];
  std::uint64_t file_bytes;
};
static_assert(sizeof(EndMark) == 16);

constexpr std::uint64_t aligned(std::uint64_t offset) {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

// Throws SystemError "[load] 'path': field: actual; expected ...".
[[noreturn]] void bad_file(const std::string& path, const std::string& field,
                           const std::string& actual, const std::string& expected);

// Reads the preamble and the header and checks them, the place of every tensor, the padding and the
// end mark: afterwards every tensor record is consistent and lies inside the file, and the load's
// memory is within the limits. The graph record is checked by what reads it. Returns the format's
// version.
std::uint32_t read_header(const InputFile& file, const LoadOptions& options,
                          file_format::FileHeader* header);

}  // namespace catena::detail
