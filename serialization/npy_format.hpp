// The .npy format, as a file of its own or as a member of an .npz file. Not a public header.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <source_location>
#include <string>

#include "catena/graph/tensor.hpp"

namespace catena::detail {

// Where an array is read from.
struct NpySource {
  const char* op;           // for messages, as what follows
  std::string name;         // of the file and the member
  std::uintmax_t size = 0;  // bytes in all
  // The next bytes; false when there are fewer.
  std::function<bool(void*, std::size_t)> read;
};

// The array, checked against the source's size before memory is taken.
Tensor read_npy(const NpySource& source, const std::source_location& loc);

// What stands before the elements of `tensor`.
std::string npy_header(const char* op, const std::string& name, const Tensor& tensor,
                       const std::source_location& loc);
// The elements as they follow, row-major.
std::string npy_elements(const Tensor& tensor, const std::source_location& loc);

}  // namespace catena::detail
