// The library's one exported function, and what the headers it shares with the core leave open.
#include <cuda_runtime_api.h>

#include <cstdarg>
#include <cstdio>

#include "catena/backends/cuda/backend.hpp"
#include "catena/backends/cuda/kernel_table.hpp"
#include "catena/graph/backend_abi.hpp"

namespace catena {
namespace gpu {
namespace {

const CoreApi* core = nullptr;
CudaBackend* the_backend = nullptr;
char refusal[512];

const char* refuse(const char* format, ...) __attribute__((format(printf, 1, 2)));
const char* refuse(const char* format, ...) {
  va_list args;
  va_start(args, format);
  std::vsnprintf(refusal, sizeof refusal, format, args);
  va_end(args);
  return refusal;
}

const char* start(std::uint32_t version, const CoreApi* api) {
  if (version != kBackendAbiVersion)
    return refuse(
        "the backend library has interface version %u, the core %u; build both from the same "
        "source",
        kBackendAbiVersion, version);
  if (api->view_bytes != sizeof(TensorView) || api->context_bytes != sizeof(KernelContext) ||
      api->row_bytes != sizeof(KernelRow))
    return refuse(
        "the backend library was built with other data layouts than the core; build "
        "both from the same source with the same compiler");
  core = api;

  int count = 0;
  const cudaError_t error = cudaGetDeviceCount(&count);
  if (error == cudaErrorInsufficientDriver)
    return refuse("no usable driver (%s); install the NVIDIA driver for CUDA %d.%d or newer",
                  cudaGetErrorString(error), CUDART_VERSION / 1000, CUDART_VERSION % 1000 / 10);
  if (error != cudaSuccess && error != cudaErrorNoDevice)
    return refuse("the driver does not start: %s (%s)", cudaGetErrorString(error),
                  cudaGetErrorName(error));
  if (count == 0) return refuse("no CUDA device: the driver is there but shows no GPU");

  the_backend = new CudaBackend(count);
  if (const char* op = register_rows(*api))
    return refuse(
        "the op '%s' differs between the backend library and the core; build both from "
        "the same source",
        op);
  api->register_backend(the_backend);
  return nullptr;
}

}  // namespace

CudaBackend& backend() { return *the_backend; }

void fail(ErrorKind kind, const char* format, ...) {
  char message[1024];
  va_list args;
  va_start(args, format);
  std::vsnprintf(message, sizeof message, format, args);
  va_end(args);
  core->throw_error(kind, message);
  __builtin_unreachable();
}

void fail_call(cudaError_t error, const char* call, const char* file, int line) {
  fail(ErrorKind::kSystem, "[cuda] %s failed: %s (%s) (at %s:%d)", call, cudaGetErrorString(error),
       cudaGetErrorName(error), file, line);
}

}  // namespace gpu

// Declared by headers of the core that this library includes; the core's own is out of reach here.
namespace detail {
void throw_rank(std::size_t rank) {
  gpu::fail(ErrorKind::kInternal, "[cuda] a shape of %zu dimensions; at most %d", rank, kMaxRank);
}
}  // namespace detail
}  // namespace catena

extern "C" __attribute__((visibility("default"))) const char* catena_backend_entry(
    std::uint32_t version, const catena::CoreApi* core) {
  return catena::gpu::start(version, core);
}
