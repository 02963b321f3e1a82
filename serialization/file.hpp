// Files as the loaders and savers use them: whole-or-nothing writes, checked reads. Not a public
// header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "catena/serialization/time_limit.hpp"

namespace catena::detail {

// Writes a temporary file next to `path` and puts it in its place when everything is written. Until
// then, and when anything fails, `path` is as it was. A symbolic link at `path` is replaced, not
// followed; an existing file's mode is kept.
class OutputFile {
 public:
  explicit OutputFile(std::string path);
  ~OutputFile();
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  void write_at(std::uint64_t offset, const void* data, std::size_t bytes);
  // With `sync` returns once file and directory are on the disk.
  void commit(bool sync);

 private:
  [[noreturn]] void fail(const char* doing) const;
  std::string path_, temporary_;
  int descriptor_ = -1;
};

// A regular file opened for reading, within a limit of time.
class InputFile {
 public:
  explicit InputFile(std::string path, TimeLimit limit = {});
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  const std::string& path() const { return path_; }
  std::uint64_t size() const { return size_; }
  const TimeLimit& limit() const { return limit_; }
  // Fails when the file has become shorter than it was, and when the time is over.
  void read_at(std::uint64_t offset, void* data, std::size_t bytes) const;

 private:
  std::string path_;
  TimeLimit limit_;
  std::uint64_t size_ = 0;
  int descriptor_ = -1;
};

}  // namespace catena::detail
