// What all CUDA sources share: checked calls, the current device and stream, scratch memory.
//
// Each device has one stream. All work of the process on that device goes through it in the order
// of the calls, so a block that is freed on the host may be handed out again at once: whatever
// still reads it was launched before.
#pragma once

#include <cuda_runtime_api.h>

#include <cstddef>
#include <cstdint>

#include "catena/graph/backend_abi.hpp"

namespace catena::gpu {

// Throws through the core, so that the exception's type is the core's own.
[[noreturn]] void fail(ErrorKind kind, const char* format, ...)
    __attribute__((format(printf, 2, 3)));

[[noreturn]] void fail_call(cudaError_t error, const char* call, const char* file, int line);
inline void check(cudaError_t error, const char* call, const char* file, int line) {
  if (error != cudaSuccess) fail_call(error, call, file, line);
}
#define CATENA_CUDA(call) ::catena::gpu::check((call), #call, __FILE__, __LINE__)
// After a kernel launch: was the launch itself in order?
#define CATENA_LAUNCHED(name) \
  ::catena::gpu::check(cudaGetLastError(), "launch of " name, __FILE__, __LINE__)

// Makes `device` the calling thread's current one while it lives.
class UseDevice {
 public:
  explicit UseDevice(int device) : device_(device) {
    CATENA_CUDA(cudaGetDevice(&before_));
    if (before_ != device_) CATENA_CUDA(cudaSetDevice(device_));
  }
  ~UseDevice() {
    if (before_ != device_) cudaSetDevice(before_);
  }
  UseDevice(const UseDevice&) = delete;
  UseDevice& operator=(const UseDevice&) = delete;

 private:
  int device_;
  int before_ = 0;
};

cudaStream_t stream_of(int device);
inline cudaStream_t stream_of(const KernelContext& c) {
  return static_cast<cudaStream_t>(c.stream);
}
int multiprocessors(int device);

// Memory of the device for the work of one call. Freed on the host when the call has been
// launched, which is in order: see above.
class Scratch {
 public:
  Scratch(std::size_t bytes, int device);
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  void* data() const { return data_; }

 private:
  void* data_ = nullptr;
  std::size_t bytes_;
  int device_;
};

// What a kernel found wrong in its data: an index out of range. The first one is kept in host
// memory that the device can write, and thrown when the host next waits for the stream.
enum class FaultCode : unsigned {
  kNone,
  kIndexSelect,
  kIndexAdd,
  kCrossEntropy,
  kNllLoss,
  kEmbedding,
  kOneHot,
  kGather,
  kScatter,
  kScatterAdd,
};
struct Fault {
  unsigned code;
  long long index;
  long long size;
};
Fault* fault_of(int device);
// Waits for the stream; throws what a kernel reported since the last wait.
void wait(int device);

// `count` elements of 1, 2, 4 or 8 bytes, each a copy of `*value` on the host.
void fill_elements(void* dst, const void* value, std::size_t element_bytes, std::size_t count,
                   int device);
// dst[...] = src[...] and dst[...] += src[...], on the device's stream. Equal shapes and dtypes.
void copy_strided(const TensorView& dst, const TensorView& src, int device);
void add_in_place(const TensorView& dst, const TensorView& src, int device);

}  // namespace catena::gpu
