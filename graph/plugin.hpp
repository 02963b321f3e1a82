// Shared libraries with ops of a user, loaded at run time:
//
//   #include <catena/catena.hpp>
//   struct MyOp { .. };
//   CATENA_PLUGIN() {
//     catena::register_op<MyOp>();
//     catena::register_kernel<MyOp, my_kernel>(catena::DeviceType::kCpu);
//   }
//
// built as a shared library that links catena::core.
#pragma once

#include <source_location>
#include <string>

#include "catena/version.hpp"

// Opens the function that load_plugin calls, and notes the version of the headers it was built
// with.
#define CATENA_PLUGIN()                                                                   \
  extern "C" __attribute__((visibility("default"))) const char* catena_plugin_version() { \
    return CATENA_VERSION;                                                                \
  }                                                                                       \
  extern "C" __attribute__((visibility("default"))) void catena_plugin_register()

namespace catena {

// Loads the library and lets it register its ops; doing it again is harmless. It is never unloaded,
// since nodes hold pointers into it. Throws SystemError when the file cannot be loaded, is no
// plugin, or was built with headers of another version; UnsupportedError in a static build.
void load_plugin(const std::string& path,
                 std::source_location loc = std::source_location::current());

}  // namespace catena
