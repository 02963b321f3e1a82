#include <dlfcn.h>
#include <unistd.h>

#include "catena/backends/cpu/onednn_api.hpp"
#include "catena/graph/backend_loader.hpp"

namespace catena::cpu {
namespace {

// When the first call comes that oneDNN does better, so that a program without one starts quickly.
struct Loaded {
  OneDnnApi api;
  bool complete = false;
  Loaded() {
    for (const std::string& file : detail::library_candidates("libcatena_onednn.so")) {
      if (::access(file.c_str(), F_OK) != 0) continue;
      void* library = ::dlopen(file.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
      if (!library) return;
      const auto entry = reinterpret_cast<OneDnnEntry>(::dlsym(library, kOneDnnEntryName));
      complete = entry && entry(&api);
      return;
    }
  }
};

}  // namespace

const OneDnnApi* onednn() {
  static const Loaded loaded;
  return loaded.complete ? &loaded.api : nullptr;
}

}  // namespace catena::cpu
