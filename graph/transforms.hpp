// Derivatives of functions: Jacobians, Hessians and products with them. Inputs are floating
// tensors; what else the function uses counts as constant. The function is called once per
// transform.
#pragma once

#include <functional>
#include <source_location>
#include <span>
#include <vector>

#include "catena/graph/autograd.hpp"

namespace catena {

// fn(inputs) and J tangents, the Jacobian-vector product: the derivative of the outputs when the
// inputs move along `tangents` (one per input, of its shape and dtype). Computed as the transpose
// of a vjp, so fn's gradients must be differentiable themselves.
struct JvpResult {
  std::vector<Tensor> outputs;
  std::vector<Tensor> tangents;  // of the outputs
};
JvpResult jvp(const Function& fn, std::span<const Tensor> inputs, std::span<const Tensor> tangents,
              std::source_location loc = std::source_location::current());

struct TransformOptions {
  // Record the transform, for derivatives of it in inputs (and parameters) that require a gradient.
  bool create_graph = false;
};

// result[i][j] = d outputs[i] / d inputs[j], of shape [outputs[i] sizes.., inputs[j] sizes..] and
// the dtype of inputs[j]; zeros where an output does not depend on an input. One backward per
// element of the outputs. Errors: more than 8 dimensions in a result.
std::vector<std::vector<Tensor>> jacobian(
    const Function& fn, std::span<const Tensor> inputs, TransformOptions options = {},
    std::source_location loc = std::source_location::current());
// Of a function of one tensor.
Tensor jacobian(const std::function<Tensor(const Tensor&)>& fn, const Tensor& input,
                TransformOptions options = {},
                std::source_location loc = std::source_location::current());

// result[i][j] = d^2 fn / (d inputs[i] d inputs[j]) of a function with one output of one element.
std::vector<std::vector<Tensor>> hessian(
    const Function& fn, std::span<const Tensor> inputs, TransformOptions options = {},
    std::source_location loc = std::source_location::current());
Tensor hessian(const std::function<Tensor(const Tensor&)>& fn, const Tensor& input,
               TransformOptions options = {},
               std::source_location loc = std::source_location::current());

// H vectors of a function with one output of one element, without forming H: the gradient of
// <gradient of fn, vectors>.
struct HvpResult {
  Tensor output;
  std::vector<Tensor> products;  // one per input
};
HvpResult hvp(const Function& fn, std::span<const Tensor> inputs, std::span<const Tensor> vectors,
              std::source_location loc = std::source_location::current());

}  // namespace catena
