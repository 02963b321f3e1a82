// Parameter: what a module keeps its own tensors in.
#pragma once

#include <utility>

#include "catena/graph/tensor.hpp"

namespace catena::nn {

namespace detail {
// Inside a clone() the copy's tensor in the place of `original`, else `original`.
Tensor copied(const Tensor& original);
[[noreturn]] void throw_assigned();
}  // namespace detail

// A Tensor in every respect but two: in a clone() of the module that holds it, it is the clone's;
// and once it holds a tensor it keeps that one, which is registered. To change the values write
// into it: `scale.copy_(value)` under NoGrad.
//
//   struct Net : nn::Module {
//     nn::Parameter scale = register_parameter("scale", ones({1}));
//   };
class Parameter : public Tensor {
 public:
  Parameter() = default;
  Parameter(Tensor t) : Tensor(std::move(t)) {}  // NOLINT: implicit on purpose
  Parameter(const Parameter& o) : Tensor(detail::copied(o)) {}
  Parameter(Parameter&&) noexcept = default;
  // Error: it holds another tensor already.
  Parameter& operator=(Parameter o) {
    if (defined() && !is_same(o)) detail::throw_assigned();
    Tensor::operator=(std::move(o));
    return *this;
  }
};
// The same for tensors that are not trained.
using Buffer = Parameter;

}  // namespace catena::nn
