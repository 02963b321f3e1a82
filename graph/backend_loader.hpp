// Backends that live in a library of their own, loaded when their device is first asked for.
#pragma once

#include <string>
#include <vector>

#include "catena/graph/device.hpp"

namespace catena::detail {

// The files to try for a library of ours that is loaded at run time, in order: those in the folders
// (or the files) that the environment variable CATENA_BACKEND_PATH names, separated by colons, then
// the one in the folder of the core itself.
std::vector<std::string> library_candidates(const std::string& library);

// Loads libcatena_<device>.so, once per process, from the first of these that is there.
// Returns "" when its backend has been registered and has a device, else a message
// "[cuda] ..." that says what is missing and what to do. The built-in ops must be registered; no
// lock may be held that register_backend or mutable_op take.
const std::string& try_load_backend(DeviceType type);

// One attempt with one library file, for tests and for try_load_backend; never unloads it.
std::string load_backend_library(const char* device_name, const std::string& path);

}  // namespace catena::detail
