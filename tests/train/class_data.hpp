// A task that a small network learns.
#pragma once

#include <cstdint>

#include "catena/graph/autograd.hpp"
#include "catena/ops/random.hpp"
#include "catena/ops/reduction.hpp"
#include "catena/train/data.hpp"

namespace catena::test {

// Three classes: the largest of three numbers.
inline train::Dataset classes(std::int64_t n) {
  NoGrad no_grad;
  const Tensor x = randn({n, 3});
  return {x, argmax(x, 1)};
}

}  // namespace catena::test
