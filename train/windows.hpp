// Stretches of a long series as samples.
#pragma once

#include <cstdint>
#include <source_location>

#include "catena/graph/tensor.hpp"
#include "catena/train/dataset.hpp"

namespace catena::train {

// y[i] = series[i * stride .. i * stride + length): of a series [time, ..] the windows [n, length,
// ..], n = (time - length) / stride + 1, as copies. Errors: length or stride below 1; a series
// shorter than a window.
Tensor windows(const Tensor& series, std::int64_t length, std::int64_t stride = 1,
               std::source_location loc = std::source_location::current());

// For models that foretell the next entry at each step: windows of `length` and, as targets, the
// same one step later. Windows follow each other without overlap unless `stride` is given.
Dataset next_steps(const Tensor& series, std::int64_t length, std::int64_t stride = 0,
                   std::source_location loc = std::source_location::current());

}  // namespace catena::train
