#include "catena/graph/backend_loader.hpp"

#include <dlfcn.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <mutex>
#include <string_view>
#include <vector>

#include "catena/graph/backend_abi.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/op.hpp"
#include "catena/graph/registry.hpp"

namespace catena::detail {
namespace {

void core_register_backend(Backend* backend) { register_backend(*backend); }

bool core_register_row(const char* op, std::uint32_t op_version, std::size_t op_bytes,
                       DeviceType device, const KernelRow* row) {
  const OpInfo* known = find_op(op);
  if (!known || known->version != op_version || known->attrs_size != op_bytes) return false;
  mutable_op(op).rows[static_cast<int>(device)] = *row;
  return true;
}

void core_throw_error(ErrorKind kind, const char* message) {
  switch (kind) {
    case ErrorKind::kArgument:
      throw ArgumentError(message);
    case ErrorKind::kSystem:
      throw SystemError(message);
    case ErrorKind::kUnsupported:
      throw UnsupportedError(message);
    case ErrorKind::kInternal:
      break;
  }
  throw InternalError(message);
}

const CoreApi& core_api() {
  static const CoreApi api = [] {
    CoreApi a;
    a.register_backend = core_register_backend;
    a.register_row = core_register_row;
    a.throw_error = core_throw_error;
    return a;
  }();
  return api;
}

// The folder of the library (or, linked statically, the program) that this code is in.
std::string own_folder() {
  Dl_info info{};
  if (!dladdr(reinterpret_cast<const void*>(&core_api), &info) || !info.dli_fname) return ".";
  const std::string_view file = info.dli_fname;
  const std::size_t slash = file.rfind('/');
  return slash == std::string_view::npos ? "." : std::string(file.substr(0, slash));
}

bool ends_with_so(std::string_view path) { return path.ends_with(".so"); }

const char* type_name(DeviceType type) { return type == DeviceType::kCuda ? "cuda" : "cpu"; }

std::string load(DeviceType type) {
  if (type == DeviceType::kCpu) return "";
  const char* name = type_name(type);
  const std::string library = fmt::format("libcatena_{}.so", name);
  const std::vector<std::string> files = library_candidates(library);
  for (const std::string& file : files)
    if (access(file.c_str(), F_OK) == 0) return load_backend_library(name, file);
  return fmt::format(
      "[{}] no backend library: {} is not there; build Catena where the compiler of this device "
      "is found, or name the library's folder in CATENA_BACKEND_PATH",
      name, fmt::join(files, ", "));
}

}  // namespace

std::vector<std::string> library_candidates(const std::string& library) {
  std::vector<std::string> files;
  if (const char* path = std::getenv("CATENA_BACKEND_PATH")) {
    std::string_view rest = path;
    while (!rest.empty()) {
      const std::size_t colon = rest.find(':');
      const std::string_view entry = rest.substr(0, colon);
      rest = colon == std::string_view::npos ? std::string_view{} : rest.substr(colon + 1);
      if (entry.empty()) continue;
      files.push_back(ends_with_so(entry) ? std::string(entry)
                                          : fmt::format("{}/{}", entry, library));
    }
  }
  files.push_back(fmt::format("{}/{}", own_folder(), library));
  return files;
}

std::string load_backend_library(const char* device_name, const std::string& path) {
  // Kernels and the backend stay referenced from the registry, so the library is never unloaded.
  void* library = dlopen(path.c_str(), RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (!library)
    return fmt::format(
        "[{}] the backend library does not load: {}; install the libraries it needs, or add "
        "their folder to LD_LIBRARY_PATH",
        device_name, dlerror());
  const auto entry = reinterpret_cast<BackendEntry>(dlsym(library, kBackendEntryName));
  if (!entry)
    return fmt::format("[{}] {} is not a backend library: it has no function {}", device_name, path,
                       kBackendEntryName);
  try {
    const char* refusal = entry(kBackendAbiVersion, &core_api());
    return refusal ? fmt::format("[{}] {} (from {})", device_name, refusal, path) : "";
  } catch (const std::exception& e) {
    return fmt::format("[{}] {} failed to start: {}", device_name, path, e.what());
  }
}

const std::string& try_load_backend(DeviceType type) {
  static std::once_flag once[kNumDeviceTypes];
  static std::string result[kNumDeviceTypes];
  const int i = static_cast<int>(type);
  std::call_once(once[i], [&] { result[i] = load(type); });
  return result[i];
}

}  // namespace catena::detail
