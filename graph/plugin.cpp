#include "catena/graph/plugin.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <mutex>
#include <string_view>

#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"

namespace catena {

void load_plugin(const std::string& path, std::source_location loc) {
#if defined(CATENA_STATIC)
  // The library would bring a registry of its own.
  throw UnsupportedError(fmt::format(
      "[load_plugin] {}: this Catena is a static library, which cannot take plugins; build it with "
      "BUILD_SHARED_LIBS=ON{}",
      path, called_at(loc)));
#endif
  init();
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  const auto fail = [&](std::string_view what) {
    throw SystemError(fmt::format("[load_plugin] {}: {}{}", path, what, called_at(loc)));
  };
  // Without a slash the name would be searched for in the system's folders.
  const std::string file = path.find('/') == std::string::npos ? "./" + path : path;
  void* library = dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library) fail(fmt::format("cannot be loaded: {}", dlerror()));
  const auto version = reinterpret_cast<const char* (*)()>(dlsym(library, "catena_plugin_version"));
  const auto enter = reinterpret_cast<void (*)()>(dlsym(library, "catena_plugin_register"));
  if (!version || !enter) fail("is not a plugin: it has no CATENA_PLUGIN()");
  if (std::string_view(version()) != CATENA_VERSION)
    fail(fmt::format("was built with Catena {}; this is {}; build it again", version(),
                     CATENA_VERSION));
  enter();
}

}  // namespace catena
