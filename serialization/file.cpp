#include "catena/serialization/file.hpp"

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <random>
#include <utility>

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include "catena/graph/error.hpp"

namespace catena::detail {
namespace {

// Of one write or read of the system, which take at most 2 GiB; time is looked at between them.
constexpr std::size_t kMostBytes = std::size_t{1} << 26;

std::string directory_of(const std::string& path) {
  const std::string directory = std::filesystem::path(path).parent_path().string();
  return directory.empty() ? "." : directory;
}

[[noreturn]] void throw_system(const std::string& path, const char* doing, int error) {
  throw SystemError(fmt::format("[file] cannot {} '{}': {}", doing, path, std::strerror(error)));
}

int open_retrying(const char* path, int flags, mode_t mode = 0) {
  int descriptor;
  do descriptor = ::open(path, flags | O_CLOEXEC, mode);
  while (descriptor < 0 && errno == EINTR);
  return descriptor;
}

}  // namespace

OutputFile::OutputFile(std::string path) : path_(std::move(path)) {
  struct stat old;
  const bool exists = ::stat(path_.c_str(), &old) == 0;
  if (exists && !S_ISREG(old.st_mode))
    throw SystemError(fmt::format(
        "[file] cannot write '{}': it is not a regular file; expected a file or a free name",
        path_));
  std::random_device random;
  for (int attempt = 0; descriptor_ < 0; ++attempt) {
    temporary_ = fmt::format("{}/.catena-{}-{:08x}.tmp", directory_of(path_), ::getpid(), random());
    descriptor_ = open_retrying(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0666);
    if (descriptor_ < 0 && (errno != EEXIST || attempt == 100)) {
      temporary_.clear();
      fail("write");
    }
  }
  if (exists && ::fchmod(descriptor_, old.st_mode & 07777) != 0) {
    const int error = errno;
    ::close(descriptor_);
    ::unlink(temporary_.c_str());
    throw_system(path_, "keep the mode of", error);
  }
}

OutputFile::~OutputFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void OutputFile::fail(const char* doing) const { throw_system(path_, doing, errno); }

void OutputFile::write_at(std::uint64_t offset, const void* data, std::size_t bytes) {
  const char* from = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t n =
        ::pwrite(descriptor_, from, std::min(bytes, kMostBytes), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) fail("write");
    if (n == 0) {
      errno = ENOSPC;
      fail("write");
    }
    from += n;
    offset += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::size_t>(n);
  }
}

void OutputFile::commit(bool sync) {
  if (sync && ::fsync(descriptor_) != 0) fail("write (fsync)");
  if (::close(std::exchange(descriptor_, -1)) != 0) fail("write (close)");
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) fail("replace");
  temporary_.clear();
  if (!sync) return;
  const int directory = open_retrying(directory_of(path_).c_str(), O_RDONLY | O_DIRECTORY);
  if (directory < 0) fail("sync the directory of");
  const int result = ::fsync(directory);
  const int error = errno;
  ::close(directory);
  // Some file systems cannot sync a directory; the file itself is written.
  if (result != 0 && error != EINVAL) throw_system(path_, "sync the directory of", error);
}

InputFile::InputFile(std::string path, TimeLimit limit)
    : path_(std::move(path)), limit_(std::move(limit)) {
  // A pipe would block the open; it is refused below.
  descriptor_ = open_retrying(path_.c_str(), O_RDONLY | O_NONBLOCK);
  if (descriptor_ < 0) throw_system(path_, "read", errno);
  struct stat info;
  if (::fstat(descriptor_, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(descriptor_);
    throw SystemError(fmt::format("[file] cannot read '{}': it is not a regular file", path_));
  }
  size_ = static_cast<std::uint64_t>(info.st_size);
}

InputFile::~InputFile() { ::close(descriptor_); }

void InputFile::read_at(std::uint64_t offset, void* data, std::size_t bytes) const {
  char* to = static_cast<char*>(data);
  while (bytes > 0) {
    limit_.check();
    const ssize_t n =
        ::pread(descriptor_, to, std::min(bytes, kMostBytes), static_cast<off_t>(offset));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) throw_system(path_, "read", errno);
    if (n == 0)
      throw SystemError(
          fmt::format("[file] '{}' ends at byte {}; expected {} more bytes; it was "
                      "cut off while it was read",
                      path_, offset, bytes));
    to += n;
    offset += static_cast<std::uint64_t>(n);
    bytes -= static_cast<std::size_t>(n);
  }
}

}  // namespace catena::detail
