// XXH3-64 with the fastest code of the machine. Not a public header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>

namespace catena::detail {

std::uint64_t checksum(const void* data, std::size_t bytes);

// The checksum of data that comes in pieces.
class Checksum {
 public:
  Checksum();
  void add(const void* data, std::size_t bytes);
  std::uint64_t value() const;

 private:
  struct Free {
    void operator()(void* state) const;
  };
  std::unique_ptr<void, Free> state_;
};

}  // namespace catena::detail
