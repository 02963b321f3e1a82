// Errors about names that do not exist. Not a public header.
#pragma once

#include <source_location>
#include <span>
#include <string>
#include <string_view>

namespace catena::train {

// Throws ArgumentError "[op] unknown metric 'acuracy'; did you mean 'accuracy'? available: ...".
[[noreturn]] void throw_unknown_name(std::string_view op, std::string_view kind,
                                     std::string_view given, std::span<const std::string> available,
                                     const std::source_location& loc);

}  // namespace catena::train
