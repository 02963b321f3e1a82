// The CUDA backend: memory, copies and the one stream of each device.
#pragma once

#include <cuda_runtime_api.h>

#include <memory>
#include <mutex>
#include <vector>

#include "catena/backends/cuda/allocator.hpp"
#include "catena/backends/cuda/runtime.hpp"
#include "catena/graph/backend.hpp"

namespace catena::gpu {

// Pinned host memory through which copies to the device pass, so that the caller's memory has been
// read when the call returns and the device need not have caught up.
class Staging {
 public:
  void copy_to_device(void* dst, const void* src, std::size_t bytes, cudaStream_t stream);

 private:
  static constexpr int kBuffers = 4;
  static constexpr std::size_t kBytes = std::size_t{1} << 20;
  struct Buffer {
    void* memory = nullptr;
    cudaEvent_t consumed = nullptr;
  };
  std::mutex mutex_;
  Buffer buffers_[kBuffers];
  int next_ = 0;
};

struct DeviceState {
  cudaStream_t stream = nullptr;
  int multiprocessors = 1;
  Fault* fault = nullptr;
  Allocator allocator;
  Staging staging;
};

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(int count);
  DeviceType type() const override { return DeviceType::kCuda; }
  const char* name() const override { return "cuda"; }
  int device_count() override { return static_cast<int>(devices_.size()); }
  void* allocate(std::size_t bytes, int device) override;
  void free(void* block, std::size_t bytes, int device) noexcept override;
  void copy_from_host(void* dst, const void* src, std::size_t bytes, int device) override;
  void copy_to_host(void* dst, const void* src, std::size_t bytes, int device) override;
  void copy_within(void* dst, const void* src, std::size_t bytes, int device) override;
  void fill(void* dst, const void* value, std::size_t element_bytes, std::size_t count,
            int device) override;
  void copy_strided(const TensorView& dst, const TensorView& src, int device) override;
  void add_in_place(const TensorView& dst, const TensorView& src, int device) override;
  void* current_stream(int device) override { return state(device).stream; }
  void synchronize(int device) override;
  MemoryStats memory_stats(int device) override;
  void release_cached_memory(int device) override;

  // Created when the device is first used.
  DeviceState& state(int device);

 private:
  struct Slot {
    std::once_flag once;
    DeviceState state;
  };
  std::vector<std::unique_ptr<Slot>> devices_;
};

// The one object; made by the library's entry, never destroyed: tensors may outlive main.
CudaBackend& backend();

}  // namespace catena::gpu
