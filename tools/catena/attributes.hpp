// Attributes of an op written as text: what `catena op --attr` takes.
#pragma once

#include <string>
#include <string_view>

#include <catena/graph/op.hpp>

namespace catena::tool {

// Sets the attribute of "name=value" on `op`. Integers, reals, true and false, text, dtype names,
// and lists "1,2" or "[1, 2]" are read by the attribute's type. Throws UsageError for an unknown
// name, with the names there are, and for a value of another type.
void set_attribute(OpValue* op, std::string_view argument);

}  // namespace catena::tool
