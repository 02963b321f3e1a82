#include "catena/serialization/onnx/external_data.hpp"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <string_view>
#include <vector>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catena/graph/error.hpp"
#include "catena/serialization/onnx/sha1.hpp"

namespace catena::onnx {
namespace {

[[noreturn]] void refuse(std::string location, std::string_view why) {
  // A zero byte would end the message.
  std::replace(location.begin(), location.end(), '\0', '?');
  throw SystemError(
      fmt::format("[external data] '{}' {}; expected a plain file beside the model or below it",
                  location, why));
}

int open_part(int folder, const std::string& name, int flags) {
  int descriptor;
  do descriptor = ::openat(folder, name.c_str(), flags | O_CLOEXEC | O_NOFOLLOW);
  while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

// Closes what it holds unless it was taken.
struct Descriptor {
  int value = -1;
  ~Descriptor() {
    if (value >= 0) ::close(value);
  }
};

}  // namespace

void check_location(const std::string& location) {
  if (location.empty()) refuse(location, "is empty");
  if (location.find('\0') != std::string::npos || location.find('\\') != std::string::npos)
    refuse(location, "holds a backslash or a zero byte");
  if (location.front() == '/') refuse(location, "is an absolute path");
  std::size_t from = 0;
  while (from <= location.size()) {
    const std::size_t slash = std::min(location.find('/', from), location.size());
    const std::string_view part(location.data() + from, slash - from);
    if (part == "..") refuse(location, "leads out of the model's folder");
    from = slash + 1;
  }
}

ExternalFile::ExternalFile(const std::string& folder, const std::string& location,
                           detail::TimeLimit limit)
    : name_(location), limit_(std::move(limit)) {
  check_location(location);
  // Part by part, each relative to the one before, and none of them a link.
  Descriptor at;
  do at.value = ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  while (at.value < 0 && errno == EINTR);
  if (at.value < 0) refuse(location, fmt::format("cannot be read: {}", std::strerror(errno)));
  std::size_t from = 0;
  for (std::size_t slash = location.find('/'); slash != std::string::npos;
       from = slash + 1, slash = location.find('/', from)) {
    const std::string part = location.substr(from, slash - from);
    if (part.empty() || part == ".") continue;
    Descriptor next{open_part(at.value, part, O_RDONLY | O_DIRECTORY)};
    if (next.value < 0)
      refuse(location,
             fmt::format("cannot be read: '{}' is no folder: {}", part, std::strerror(errno)));
    std::swap(at.value, next.value);
  }
  // A pipe would block the open; it is refused below.
  Descriptor file{open_part(at.value, location.substr(from), O_RDONLY | O_NONBLOCK)};
  if (file.value < 0)
    refuse(location, errno == ELOOP ? "is a symbolic link"
                                    : fmt::format("cannot be read: {}", std::strerror(errno)));
  struct stat info;
  if (::fstat(file.value, &info) != 0 || !S_ISREG(info.st_mode))
    refuse(location, "is not a regular file");
  if (info.st_nlink != 1) refuse(location, "has several names (hard links)");
  size_ = static_cast<std::uint64_t>(info.st_size);
  descriptor_ = file.value;
  file.value = -1;
}

ExternalFile::~ExternalFile() { ::close(descriptor_); }

void ExternalFile::read_at(std::uint64_t offset, void* data, std::uint64_t bytes) const {
  char* to = static_cast<char*>(data);
  while (bytes > 0) {
    limit_.check();
    const std::size_t most = std::min<std::uint64_t>(bytes, std::uint64_t{1} << 26);
    const ssize_t n = ::pread(descriptor_, to, most, static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) refuse(name_, fmt::format("cannot be read: {}", std::strerror(errno)));
    if (n == 0) refuse(name_, "was cut off while it was read");
    to += n;
    offset += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::uint64_t>(n);
  }
}

std::string ExternalFile::sha1() const {
  Sha1 sha1;
  std::vector<char> block(std::min<std::uint64_t>(size_, std::uint64_t{1} << 18));
  for (std::uint64_t at = 0; at < size_; at += block.size()) {
    const std::uint64_t n = std::min<std::uint64_t>(block.size(), size_ - at);
    read_at(at, block.data(), n);
    sha1.add(block.data(), n);
  }
  return sha1.digits();
}

}  // namespace catena::onnx
