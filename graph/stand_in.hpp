// What a function is differentiated in, in the place of a tensor of the caller's. Not a public
// header.
#pragma once

#include <source_location>

#include "catena/graph/substitution.hpp"

namespace catena::detail {

// A recorded view of `t` when the gradient is itself to be differentiated in t, else a leaf that
// requires a gradient if asked to.
inline Tensor stand_in(const Tensor& of, bool requires_grad, bool create_graph,
                       const std::source_location& loc) {
  const Tensor t = substituted(of);
  if (create_graph && t.requires_grad()) return t.reshape(t.shape(), loc);
  Tensor leaf = t.detach();
  if (requires_grad) leaf.set_requires_grad(true, loc);
  return leaf;
}

}  // namespace catena::detail
