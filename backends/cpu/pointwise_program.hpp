// Runs chains of pointwise calls block by block in the first-level cache.
#pragma once

#include "catena/graph/pointwise_program.hpp"

namespace catena::cpu {

// Computes the steps that have memory, all elements of them.
void run_program(const PointwiseProgram& program);

// `count` elements of the last step from row-major position `begin`, into `out`. For kernels that
// read a value while it is being computed; any thread may ask for any part.
void compute_range(const PointwiseProgram& program, std::int64_t begin, std::int64_t count,
                   void* out);

}  // namespace catena::cpu
