// Gradients kept within bounds, between backward() and step() (Pascanu, Mikolov and Bengio 2013).
#pragma once

#include <source_location>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena::optim {

// With N the p-norm of all gradients as one vector (norm_type p = infinity: the largest absolute
// value) and N > max_norm: multiplies every gradient, in place, by max_norm / (N + 1e-6). Returns
// N, which waits for the device; 0 without gradients. A NaN or infinite N is an error with
// error_if_nonfinite, and else goes into the gradients as in PyTorch's clip_grad_norm_.
double clip_grad_norm_(const std::vector<Tensor>& params, double max_norm, double norm_type = 2,
                       bool error_if_nonfinite = false,
                       std::source_location loc = std::source_location::current());

// g = min(max(g, -clip_value), clip_value) for every gradient, in place; NaN stays.
void clip_grad_value_(const std::vector<Tensor>& params, double clip_value,
                      std::source_location loc = std::source_location::current());

// N alone.
double grad_norm(const std::vector<Tensor>& params, double norm_type = 2,
                 std::source_location loc = std::source_location::current());

}  // namespace catena::optim
