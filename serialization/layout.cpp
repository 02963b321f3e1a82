#include "catena/serialization/layout.hpp"

#include <cstring>
#include <limits>
#include <vector>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/graph/shape.hpp"
#include "catena/serialization/archive.hpp"
#include "catena/serialization/checksum.hpp"
#include "catena/serialization/header_codec.hpp"

#include "catena_file.pb.h"

namespace catena::detail {
namespace {

// Objects of a parsed header take at most this many times its bytes (an empty record is 2 bytes in
// the file and about 100 in memory).
constexpr std::uint64_t kHeaderGrowth = 64;
// A node of a Graph with its values, about.
constexpr std::uint64_t kNodeBytes = 512;

void check_zeros(const InputFile& file, std::uint64_t from, std::uint64_t to,
                 const std::string& field) {
  char bytes[kAlignment];
  file.read_at(from, bytes, to - from);
  for (std::uint64_t i = 0; i < to - from; ++i)
    if (bytes[i] != 0)
      bad_file(file.path(), fmt::format("padding at byte {} ({})", from + i, field),
               fmt::format("{:#04x}", static_cast<unsigned char>(bytes[i])), "0");
}

Preamble read_preamble(const InputFile& file) {
  const std::string& path = file.path();
  Preamble p;
  if (file.size() < sizeof p + sizeof(EndMark))
    bad_file(path, "file size", fmt::format("{} bytes", file.size()),
             fmt::format("at least {}", sizeof p + sizeof(EndMark)));
  file.read_at(0, &p, sizeof p);
  if (std::memcmp(p.magic, kMagic, sizeof p.magic) != 0)
    throw SystemError(
        fmt::format("[load] '{}' is not a .catena file: its first bytes differ", path));
  if (p.checksum != checksum(&p, offsetof(Preamble, checksum)))
    bad_file(path, "checksum of the first 56 bytes",
             fmt::format("{:#x}", checksum(&p, offsetof(Preamble, checksum))),
             fmt::format("{:#x}", p.checksum));
  if (p.version > kFormatVersion)
    throw UnsupportedError(
        fmt::format("[load] '{}': format version {}; this build reads up to {}; use a newer Catena",
                    path, p.version, kFormatVersion));
  if (p.version == 0) bad_file(path, "format version", "0", "1 or more");
  if (p.zero != 0 || p.zeros[0] != 0 || p.zeros[1] != 0)
    bad_file(path, "reserved bytes", "not zero", "zero");
  if (p.file_bytes != file.size())
    bad_file(path, "file size", fmt::format("{} bytes", file.size()),
             fmt::format("{} (truncated or appended to)", p.file_bytes));
  if (p.header_bytes > file.size() - sizeof p - sizeof(EndMark))
    bad_file(path, "header length", fmt::format("{} bytes", p.header_bytes),
             fmt::format("at most {}", file.size() - sizeof p - sizeof(EndMark)));
  return p;
}

// The place and size of tensor `i`; returns where it ends.
std::uint64_t check_tensor(const InputFile& file, const file_format::TensorRecord& t, int i,
                           int count, std::uint64_t end_of_previous) {
  const std::string& path = file.path();
  const auto field = [&](const char* name) {
    return fmt::format("tensor {} of {}: {}", i, count, name);
  };
  DType dtype;
  if (!dtype_from_code(t.dtype(), &dtype))
    throw UnsupportedError(fmt::format("[load] '{}': {}: {}; expected 1 to {}", path,
                                       field("dtype"), static_cast<int>(t.dtype()), kNumDTypes));
  if (t.sizes_size() > kMaxRank)
    bad_file(path, field("rank"), std::to_string(t.sizes_size()),
             fmt::format("at most {}", +kMaxRank));
  // An empty dimension hides nothing: the others still must not overflow.
  std::uint64_t bytes = size_of(dtype), extent = size_of(dtype);
  for (std::int64_t size : t.sizes()) {
    if (size < 0) bad_file(path, field("size"), std::to_string(size), "0 or more");
    const auto n = static_cast<std::uint64_t>(size);
    if (__builtin_mul_overflow(extent, n == 0 ? 1 : n, &extent) ||
        extent > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      bad_file(path, field("shape"), "more than 2^63 bytes", "less");
    bytes *= n;
  }
  if (t.bytes() != bytes)
    bad_file(path, field("length"), std::to_string(t.bytes()),
             fmt::format("{} by its shape and dtype", bytes));
  const std::uint64_t offset = aligned(end_of_previous);
  if (t.offset() != offset)
    bad_file(path, field("offset"), std::to_string(t.offset()),
             fmt::format("{}, the next multiple of 64", offset));
  if (offset > file.size() || bytes > file.size() - offset)
    bad_file(path, field("length"), fmt::format("{} bytes at {}", bytes, offset),
             fmt::format("an end within the file's {} bytes", file.size()));
  return offset + bytes;
}

}  // namespace

void bad_file(const std::string& path, const std::string& field, const std::string& actual,
              const std::string& expected) {
  throw SystemError(
      fmt::format("[load] '{}': {}: {}; expected {}; the file is damaged or was not written by "
                  "Catena",
                  path, field, actual, expected));
}

std::uint32_t read_header(const InputFile& file, const LoadOptions& options,
                          file_format::FileHeader* header) {
  const std::string& path = file.path();
  const Preamble p = read_preamble(file);
  const auto need = [&](std::uint64_t bytes, const char* what) {
    if (bytes > options.max_bytes)
      throw ArgumentError(fmt::format(
          "[load] '{}': {} need {} bytes; the limit is {}; raise LoadOptions::max_bytes if the "
          "file is trusted",
          path, what, bytes, options.max_bytes));
  };
  // A message of protobuf ends at 2 GiB.
  if (p.header_bytes > std::numeric_limits<std::int32_t>::max())
    bad_file(path, "header length", fmt::format("{} bytes", p.header_bytes), "less than 2 GiB");
  need(p.header_bytes * kHeaderGrowth, "the header's records may");
  {
    std::vector<char> bytes(p.header_bytes);
    file.read_at(sizeof p, bytes.data(), bytes.size());
    if (checksum(bytes.data(), bytes.size()) != p.header_checksum)
      bad_file(path, "checksum of the header",
               fmt::format("{:#x}", checksum(bytes.data(), bytes.size())),
               fmt::format("{:#x}", p.header_checksum));
    if (!header->ParseFromArray(bytes.data(), static_cast<int>(bytes.size())))
      bad_file(path, "header", "not a protobuf message", "catena.file_format.FileHeader");
  }
  const auto nodes = static_cast<std::uint64_t>(header->graph().nodes_size());
  if (nodes > options.max_nodes)
    throw ArgumentError(fmt::format(
        "[load] '{}': the graph has {} nodes; the limit is {}; raise LoadOptions::max_nodes if the "
        "file is trusted",
        path, nodes, options.max_nodes));

  std::uint64_t end = sizeof p + p.header_bytes;
  std::uint64_t memory = p.header_bytes * kHeaderGrowth + nodes * kNodeBytes;
  const int count = header->tensors_size();
  for (int i = 0; i < count; ++i) {
    const file_format::TensorRecord& t = header->tensors(i);
    const std::uint64_t tensor_end = check_tensor(file, t, i, count, end);
    check_zeros(file, end, t.offset(), fmt::format("before tensor {}", i));
    memory += t.bytes();
    need(memory, "the tensors");
    end = tensor_end;
  }
  const std::uint64_t mark_at = aligned(end);
  if (mark_at + sizeof(EndMark) != file.size())
    bad_file(path, "end mark", fmt::format("at byte {} of {}", mark_at, file.size()),
             fmt::format("at {}", file.size() - sizeof(EndMark)));
  check_zeros(file, end, mark_at, "before the end mark");
  EndMark mark;
  file.read_at(mark_at, &mark, sizeof mark);
  if (std::memcmp(mark.mark, kEndMark, sizeof mark.mark) != 0 || mark.file_bytes != file.size())
    bad_file(path, "end mark", "other bytes", "the mark and the file's size");
  return p.version;
}

}  // namespace catena::detail
