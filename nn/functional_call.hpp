// A module as a function of its parameters: what jacobian, hvp and per-sample gradients ask for.
#pragma once

#include <source_location>
#include <span>
#include <type_traits>

#include "catena/graph/state.hpp"
#include "catena/graph/substitution.hpp"
#include "catena/nn/module.hpp"

namespace catena::nn {

namespace detail {
// Puts `tensors` in the place of the module's parameters and buffers of those names.
Substitution substituted(const Module& module, std::span<const NamedTensor> tensors,
                         const std::source_location& loc);
}  // namespace detail

// module(x) with `tensors` in the place of the parameters and buffers of those names; the others
// keep their own. The module is not changed. A batch norm in training mode still writes its own
// running statistics. Errors: names the module does not have, other shapes, dtypes or devices.
Tensor functional_call(Module& module, std::span<const NamedTensor> tensors, Tensor x,
                       std::source_location loc = std::source_location::current());
// fn() under the same replacement, for models called in other ways.
template <class Fn>
requires std::is_invocable_v<Fn>
auto functional_call(const Module& module, std::span<const NamedTensor> tensors, Fn&& fn,
                     std::source_location loc = std::source_location::current()) {
  const Substitution there = detail::substituted(module, tensors, loc);
  return fn();
}

}  // namespace catena::nn
