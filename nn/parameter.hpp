// Parameter: what a module keeps its own tensors in.
#pragma once

#include <utility>

#include "catena/graph/tensor.hpp"

namespace catena::nn {

namespace detail {
// Inside a clone() the copy's tensor in the place of `original`, else `original`.
Tensor copied(const Tensor& original);
}  // namespace detail

// A Tensor in every respect but one: in a clone() of the module that holds it, it is the clone's.
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
  Parameter& operator=(const Parameter&) noexcept = default;
  Parameter& operator=(Parameter&&) noexcept = default;
};
// The same for tensors that are not trained.
using Buffer = Parameter;

}  // namespace catena::nn
