// A table of a model's layers, as Keras prints it.
#pragma once

#include <string>

#include "catena/graph/shape.hpp"
#include "catena/nn/module.hpp"

namespace catena::nn {

// A row per layer with its name, class, output shape and number of parameters, and the totals.
//
// With the shape of an input (-1 for the number of samples: {-1, 64}) the model is run once on
// zeros, in evaluation mode, to learn the output shapes; otherwise, and for layers not called
// through operator(), they are "?".
std::string summary(Module& model, const Shape& input = {},
                    std::source_location loc = std::source_location::current());

}  // namespace catena::nn
