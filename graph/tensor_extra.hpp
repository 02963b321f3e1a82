// What few tensors have: hooks and a kept gradient.
#pragma once

#include <cstdint>
#include <functional>
#include <utility>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena::detail {

struct TensorExtra {
  std::uint64_t next_hook = 0;
  std::vector<std::pair<std::uint64_t, std::function<Tensor(const Tensor&)>>> hooks;
  bool retain_grad = false;
};

}  // namespace catena::detail
