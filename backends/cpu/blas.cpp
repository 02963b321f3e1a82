#include "catena/backends/cpu/blas.hpp"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>
#include <string>
#include <string_view>

#include "catena/graph/error.hpp"

namespace catena::cpu {
namespace {

// A variable of the environment, where there is none yet, for as long as this lives.
class Setting {
 public:
  Setting(const char* name, const char* value) : name_(name), set_(value && !std::getenv(name)) {
    if (set_) ::setenv(name, value, 0);
  }
  ~Setting() {
    if (set_) ::unsetenv(name_);
  }
  Setting(const Setting&) = delete;
  Setting& operator=(const Setting&) = delete;

 private:
  const char* name_;
  bool set_;
};

// An OpenBLAS that is older than the processor does not know its model and takes kernels without
// AVX, five times slower. The features say enough.
const char* core_type() {
  if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
      __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl"))
    return "SkylakeX";
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") ? "Haswell" : nullptr;
}

struct Loaded {
  OpenBlas blas;
  std::string error;

  Loaded() {
    // Our own pool shares out the work; threads of its own would fight it. A program that has
    // loaded it before has its own settings.
    const Setting threads("OPENBLAS_NUM_THREADS", "1");
    const Setting core("OPENBLAS_CORETYPE", core_type());
    void* library = nullptr;
    // Not all of its 15,000 symbols at once: that would take a millisecond.
    for (const char* name : {"libopenblas.so.0", "libopenblas.so"})
      if (!library) library = ::dlopen(name, RTLD_LAZY | RTLD_LOCAL);
    if (!library) {
      const char* reason = ::dlerror();
      error = reason ? reason : "unknown reason";
      return;
    }
    bool complete = true;
    const auto find = [&](auto& function, const char* name) {
      function =
          reinterpret_cast<std::remove_reference_t<decltype(function)>>(::dlsym(library, name));
      complete &= function != nullptr;
    };
    const char* (*corename)() = nullptr;
    find(blas.sgemm, "cblas_sgemm");
    find(blas.dgemm, "cblas_dgemm");
    find(blas.sgemv, "cblas_sgemv");
    find(blas.dgemv, "cblas_dgemv");
    find(corename, "openblas_get_corename");
    if (!complete) {
      error = "it lacks functions of the C interface";
      return;
    }
    const std::string_view name = corename();
    blas.fits_processor =
        !core_type() || !(name == "Prescott" || name == "Core2" || name == "Nehalem" ||
                          name == "Generic" || name == "Atom");
  }
};

// When this library is loaded: no other thread reads the environment then.
const Loaded loaded;

}  // namespace

const OpenBlas& openblas() {
  if (!loaded.error.empty())
    throw SystemError(fmt::format(
        "[matmul] OpenBLAS cannot be loaded: {}; install it (Debian: libopenblas0-pthread)",
        loaded.error));
  return loaded.blas;
}

}  // namespace catena::cpu
