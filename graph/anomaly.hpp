// The search for NaN and infinity that DetectAnomaly switches on.
#pragma once

#include <source_location>

#include "catena/graph/op.hpp"

namespace catena::detail {

// Throws ArgumentError when `t` holds a NaN or an infinity: which op, where it was called, and
// whether the forward or the backward pass made it.
void check_finite(TensorImpl* t, const OpInfo& op, const std::source_location& location,
                  bool in_backward);

}  // namespace catena::detail
