// The gradient of a fused op by way of the same function made of other ops. Not a public header.
#pragma once

#include <functional>
#include <vector>

#include "catena/graph/op.hpp"

namespace catena::detail {

// Computes the op again as `run`, which gives all outputs that carry gradients from the inputs, and
// differentiates that; so it can be differentiated again. The op saves all its inputs.
void differentiate_composed(
    VjpContext& c,
    const std::function<std::vector<Tensor>(const std::vector<Tensor>& inputs)>& run);

}  // namespace catena::detail
