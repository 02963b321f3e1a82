// Finds steps of a chain that follow one another and are arithmetic only, to be computed by one
// piece of code.
#pragma once

#include "catena/graph/pointwise_program.hpp"

namespace catena::cpu {

// An innermost dimension of this many elements is walked through line by line; with a shorter one
// inputs are first copied row-major, so that blocks stay long.
constexpr std::int64_t kLongLine = 256;
inline bool goes_by_lines(const PointwiseProgram& p) { return p.sizes[p.rank - 1] >= kLongLine; }

// program.joined, found at the first call.
const std::vector<PointwiseProgram::Joined>& joined_steps(const PointwiseProgram& program);

}  // namespace catena::cpu
