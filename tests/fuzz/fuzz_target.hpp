// What the fuzz targets share. Each <name>_fuzz.cpp reads the bytes as one kind of file: it must
// load or throw a catena::Error, within its limits.
//
// With clang and CATENA_BUILD_FUZZERS=ON they are libFuzzer's; otherwise mutate_main.cpp feeds them
// mutations of the seeds, the same ones at each run.
#pragma once

#include <sys/mman.h>
#include <unistd.h>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>

#include "catena/graph/error.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace catena::fuzz {

// The bytes as a file in memory, one per process.
inline std::string file_of(const std::uint8_t* data, std::size_t size) {
  static const int file = ::memfd_create("fuzz", 0);
  const bool written = file >= 0 && ::ftruncate(file, 0) == 0 &&
                       ::pwrite(file, data, size, 0) == static_cast<ssize_t>(size);
  if (!written) std::abort();
  return "/proc/self/fd/" + std::to_string(file);
}

// Errors of ours are what a damaged file should meet; anything else goes through.
template <class F>
void expect_only_errors(const F& f) {
  try {
    f();
  } catch (const Error&) {
  }
}

}  // namespace catena::fuzz
