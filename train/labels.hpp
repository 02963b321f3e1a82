// Samples by class. Not a public header.
#pragma once

#include <cstdint>
#include <source_location>
#include <string_view>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena::train {

struct Classes {
  std::vector<std::int64_t> of;                    // sample -> class, numbered as they appear
  std::vector<std::vector<std::int64_t>> members;  // class -> its samples, ascending
  std::vector<std::int64_t> labels;                // class -> label
};

// Throws ArgumentError in the name of `op` unless labels is a vector of integers with entries.
Classes find_classes(std::string_view op, const Tensor& labels, const std::source_location& loc);

}  // namespace catena::train
