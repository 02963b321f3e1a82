// Positions for attention: sinusoidal ones, to be added, and rotary ones.
#pragma once

#include <cstdint>
#include <source_location>

#include "catena/graph/tensor.hpp"

namespace catena {

// [length, features], for positions from `first` on (Vaswani et al., 2017):
//   y[p, 2i] = sin(p / 10000^(2i / features)),  y[p, 2i + 1] = cos(p / 10000^(2i / features))
// float32 or float64. Errors: a negative size.
Tensor sinusoidal_positions(std::int64_t length, std::int64_t features, std::int64_t first = 0,
                            TensorOptions options = {},
                            std::source_location loc = std::source_location::current());

struct RotaryOptions {
  std::int64_t first = 0;  // the position of the first row, as with a cache of keys
  double base = 10000;
  bool interleaved = false;  // pairs (x[2i], x[2i + 1]) rather than (x[i], x[i + E/2])
};
// x [.., L, E] with the pair i of row p turned by the angle p / base^(2i / E), so that products of
// queries and keys depend on their distance (Su et al., 2021). Pairs lie E/2 apart, as in GPT-NeoX
// and Llama, or side by side. Errors: x not floating or below two dimensions; an odd E.
Tensor rotary(Operand x, const RotaryOptions& options = {});

}  // namespace catena
