// Operators of the domain "catena". Not a public header.
#pragma once

#include <string_view>

#include "catena/serialization/onnx/import/operators.hpp"

namespace catena::onnx {

// The registered op of the name in "catena.name"; null when there is none.
const Operator* find_own_operator(std::string_view type);

}  // namespace catena::onnx
