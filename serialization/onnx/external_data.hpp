// Tensor data in files beside a model. Not a public header.
#pragma once

#include <cstdint>
#include <string>

#include "catena/serialization/time_limit.hpp"

namespace catena::onnx {

// Opens `location`, a relative path, below `folder` for reading, and is the only way to: absolute
// paths, "..", backslashes and links (symbolic ones in any part, files with several hard links) are
// a SystemError, as are other kinds of file. The file cannot be exchanged between check and use.
class ExternalFile {
 public:
  ExternalFile(const std::string& folder, const std::string& location,
               detail::TimeLimit limit = {});
  ~ExternalFile();
  ExternalFile(const ExternalFile&) = delete;
  ExternalFile& operator=(const ExternalFile&) = delete;

  std::uint64_t size() const { return size_; }
  void read_at(std::uint64_t offset, void* data, std::uint64_t bytes) const;
  // SHA-1 of the whole file, as 40 hexadecimal digits.
  std::string sha1() const;

 private:
  std::string name_;
  detail::TimeLimit limit_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

// Throws SystemError unless `location` is a relative path that stays below its folder.
void check_location(const std::string& location);

}  // namespace catena::onnx
