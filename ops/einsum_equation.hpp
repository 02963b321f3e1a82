// The text of an einsum as lists of labels, checked against the shapes.
#pragma once

#include <span>
#include <string_view>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena::detail {

// A label is a letter (its character) or a dimension under "..." (kFirstBroadcast and up, counted
// so that the last of these dimensions of all tensors agree).
inline constexpr int kFirstBroadcast = 256;
inline constexpr int kNumLabels = kFirstBroadcast + kMaxRank;
using Labels = std::vector<int>;

struct Equation {
  std::vector<Labels> inputs;  // one label per dimension
  Labels output;
  std::vector<std::int64_t> sizes;  // by label; where some tensor has 1 it broadcasts
};

// Errors are ArgumentErrors that name letter and position.
Equation parse_equation(std::string_view text, std::span<const Tensor> tensors,
                        const std::source_location& loc);

}  // namespace catena::detail
