#include "catena/nn/sequential.hpp"

namespace catena::nn {

Tensor Sequential::forward(Tensor x) { return run(std::move(x), Location{}); }

// Each module gets the line that called the whole.
Tensor Sequential::run(Tensor x, const Location& loc) {
  for (const auto& item : modules_.list()) x = (*item.module)(std::move(x), loc);
  return x;
}

}  // namespace catena::nn
