// Gradients against central differences, for ops of one's own and for anything else made of them.
#pragma once

#include <source_location>
#include <span>
#include <string>

#include "catena/graph/autograd.hpp"

namespace catena {

struct GradcheckOptions {
  double eps = 1e-6;  // step of the central difference
  // |analytic - numeric| <= atol + rtol * |numeric|
  double atol = 1e-5;
  double rtol = 1e-3;
};

struct GradcheckResult {
  bool passed = true;
  // Empty when passed; otherwise the first element that differs, by output, input and index, with
  // both values, and how many more do.
  std::string report;
  explicit operator bool() const { return passed; }
};

// Compares d(output)/d(input), element by element, as backward computes it and as
// (fn(x + eps) - fn(x - eps)) / (2 eps), for every input that requires a gradient and every output
// that depends on one. fn must be a function of its arguments alone: it is called with copies of
// the inputs. Also checks that a second backward gives the same bits.
// Errors: an input that requires a gradient and is not float64 (differences of lower precision say
// nothing), or no input that requires one.
GradcheckResult gradcheck(const Function& fn, std::span<const Tensor> inputs,
                          GradcheckOptions options = {},
                          std::source_location loc = std::source_location::current());

// The same for the gradient itself, as a function of the inputs and of the gradients of the outputs
// (fixed numbers in [-1, 1]): checks second derivatives, recorded with create_graph.
GradcheckResult gradgradcheck(const Function& fn, std::span<const Tensor> inputs,
                              GradcheckOptions options = {},
                              std::source_location loc = std::source_location::current());

}  // namespace catena
