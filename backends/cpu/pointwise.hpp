// Steps a pointwise line over whole tensors: merges dimensions, cuts the work for the threads.
#pragma once

#include "catena/graph/backend.hpp"

namespace catena::cpu {

// out[...] = line(in...) over `out`'s shape. Inputs have that shape too (broadcast dimensions have
// stride 0); an input with null data is passed on as null. `out` is contiguous.
void run_lines(PointwiseFn line, const void* op, const TensorView& out, const TensorView* in,
               int num_inputs);

}  // namespace catena::cpu
