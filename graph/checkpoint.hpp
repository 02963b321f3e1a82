// Activation checkpointing: memory for time (Chen et al. 2016, "Training Deep Nets with Sublinear
// Memory Cost").
#pragma once

#include <functional>
#include <source_location>
#include <span>
#include <vector>

#include "catena/graph/autograd.hpp"

namespace catena {

// fn(inputs), of which the tape keeps only the inputs: backward calls fn again to get the values in
// between. Gradients reach the inputs and whatever else fn uses that requires one, its parameters
// for instance. Random numbers are drawn again as they were, and functional_call's tensors stand
// for the parameters again. fn must compute the same outputs from the same tensors each time, from
// inputs alone and what it holds; `fn` is copied and kept by the tape. Errors, in backward: an
// input or parameter was overwritten in place since; fn's second run returns other shapes or uses
// other tensors.
std::vector<Tensor> checkpoint(Function fn, std::span<const Tensor> inputs,
                               std::source_location loc = std::source_location::current());
Tensor checkpoint(std::function<Tensor(const Tensor&)> fn, const Tensor& input,
                  std::source_location loc = std::source_location::current());

}  // namespace catena
