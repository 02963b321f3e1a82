// Which dtypes have which numbers. Not a public header.
#pragma once

#include <source_location>
#include <string>
#include <string_view>

#include "catena/graph/dtype.hpp"
#include "catena/graph/scalar.hpp"

namespace catena::detail {

// Whether `dtype` has the number: an integer dtype that of its whole part, bool true or false of
// any; a floating dtype has a neighbour of each.
bool holds(DType dtype, Scalar value);
// Throws "[op] value 300 for dtype uint8; expected 0 to 255; ..." unless it does.
void check_holds(std::string_view op, DType dtype, Scalar value, const std::source_location& loc);
// Whether float64, which attributes are, has the number exactly.
bool is_exact_real(Scalar value);
std::string text_of(Scalar value);

}  // namespace catena::detail
