// --profile FILE of the subcommands that compute.
#pragma once

#include <functional>
#include <memory>
#include <string>

#include "command.hpp"

namespace catena::tool {

// Adds the option to a subcommand; the path it is given.
std::shared_ptr<std::string> add_profile(CLI::App& sub);

// Does the work. With a path it is profiled: the trace goes there and the table to standard output,
// also when Ctrl-C ended it.
void with_profile(const std::string& path, const std::function<void()>& work);

}  // namespace catena::tool
