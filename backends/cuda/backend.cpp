#include "catena/backends/cuda/backend.hpp"

#include <algorithm>
#include <cstring>

namespace catena::gpu {

void Staging::copy_to_device(void* dst, const void* src, std::size_t bytes, cudaStream_t stream) {
  const std::lock_guard lock(mutex_);
  auto* to = static_cast<char*>(dst);
  auto* from = static_cast<const char*>(src);
  while (bytes > 0) {
    Buffer& b = buffers_[next_];
    next_ = (next_ + 1) % kBuffers;
    if (!b.memory) {
      CATENA_CUDA(cudaHostAlloc(&b.memory, kBytes, cudaHostAllocDefault));
      CATENA_CUDA(cudaEventCreateWithFlags(&b.consumed, cudaEventDisableTiming));
    } else {
      CATENA_CUDA(cudaEventSynchronize(b.consumed));
    }
    const std::size_t n = std::min(bytes, kBytes);
    std::memcpy(b.memory, from, n);
    CATENA_CUDA(cudaMemcpyAsync(to, b.memory, n, cudaMemcpyHostToDevice, stream));
    CATENA_CUDA(cudaEventRecord(b.consumed, stream));
    to += n;
    from += n;
    bytes -= n;
  }
}

CudaBackend::CudaBackend(int count) {
  for (int i = 0; i < count; ++i) devices_.push_back(std::make_unique<Slot>());
}

DeviceState& CudaBackend::state(int device) {
  if (device < 0 || device >= device_count())
    fail(ErrorKind::kSystem,
         "[cuda] there is no device cuda:%d: %d present; expected an index below that", device,
         device_count());
  Slot& slot = *devices_[static_cast<std::size_t>(device)];
  std::call_once(slot.once, [&] {
    const UseDevice use(device);
    DeviceState& s = slot.state;
    CATENA_CUDA(cudaDeviceGetAttribute(&s.multiprocessors, cudaDevAttrMultiProcessorCount, device));
    void* fault = nullptr;
    CATENA_CUDA(cudaHostAlloc(&fault, sizeof(Fault), cudaHostAllocMapped | cudaHostAllocPortable));
    std::memset(fault, 0, sizeof(Fault));
    s.fault = static_cast<Fault*>(fault);
    CATENA_CUDA(cudaStreamCreateWithFlags(&s.stream, cudaStreamNonBlocking));
  });
  return slot.state;
}

void* CudaBackend::allocate(std::size_t bytes, int device) {
  DeviceState& s = state(device);
  const UseDevice use(device);
  return s.allocator.allocate(bytes, device);
}

void CudaBackend::free(void* block, std::size_t bytes, int device) noexcept {
  if (block) devices_[static_cast<std::size_t>(device)]->state.allocator.free(block, bytes);
}

void CudaBackend::copy_from_host(void* dst, const void* src, std::size_t bytes, int device) {
  if (bytes == 0) return;
  DeviceState& s = state(device);
  const UseDevice use(device);
  s.staging.copy_to_device(dst, src, bytes, s.stream);
}

void CudaBackend::copy_to_host(void* dst, const void* src, std::size_t bytes, int device) {
  if (bytes == 0) return;
  DeviceState& s = state(device);
  const UseDevice use(device);
  CATENA_CUDA(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToHost, s.stream));
  wait(device);
}

void CudaBackend::copy_within(void* dst, const void* src, std::size_t bytes, int device) {
  if (bytes == 0) return;
  DeviceState& s = state(device);
  const UseDevice use(device);
  CATENA_CUDA(cudaMemcpyAsync(dst, src, bytes, cudaMemcpyDeviceToDevice, s.stream));
}

void CudaBackend::fill(void* dst, const void* value, std::size_t element_bytes, std::size_t count,
                       int device) {
  if (count == 0) return;
  DeviceState& s = state(device);
  const UseDevice use(device);
  const auto* bytes = static_cast<const unsigned char*>(value);
  const bool same =
      std::all_of(bytes, bytes + element_bytes, [&](unsigned char b) { return b == bytes[0]; });
  if (same)
    CATENA_CUDA(cudaMemsetAsync(dst, bytes[0], element_bytes * count, s.stream));
  else
    fill_elements(dst, value, element_bytes, count, device);
}

void CudaBackend::copy_strided(const TensorView& dst, const TensorView& src, int device) {
  state(device);
  const UseDevice use(device);
  gpu::copy_strided(dst, src, device);
}

void CudaBackend::add_in_place(const TensorView& dst, const TensorView& src, int device) {
  state(device);
  const UseDevice use(device);
  gpu::add_in_place(dst, src, device);
}

void CudaBackend::synchronize(int device) { wait(device); }

MemoryStats CudaBackend::memory_stats(int device) { return state(device).allocator.stats(); }

void CudaBackend::release_cached_memory(int device) {
  wait(device);
  const UseDevice use(device);
  state(device).allocator.release();
}

// --- What kernels' sources use ---

cudaStream_t stream_of(int device) { return backend().state(device).stream; }
int multiprocessors(int device) { return backend().state(device).multiprocessors; }
Fault* fault_of(int device) { return backend().state(device).fault; }

Scratch::Scratch(std::size_t bytes, int device)
    : data_(backend().allocate(bytes, device)), bytes_(bytes), device_(device) {}
Scratch::~Scratch() { backend().free(data_, bytes_, device_); }

void wait(int device) {
  DeviceState& s = backend().state(device);
  const UseDevice use(device);
  CATENA_CUDA(cudaStreamSynchronize(s.stream));
  const Fault found = *s.fault;
  if (found.code == 0) return;
  std::memset(s.fault, 0, sizeof(Fault));
  static constexpr const char* kOps[] = {"",         "index_select", "index_add", "cross_entropy",
                                         "nll_loss", "embedding",    "one_hot",   "gather",
                                         "scatter",  "scatter_add"};
  // These count negative indices from the end.
  const bool signed_range = found.code >= static_cast<unsigned>(FaultCode::kGather);
  fail(ErrorKind::kArgument,
       "[%s] an index is out of range: %lld; expected %lld <= index < %lld. An earlier call on "
       "cuda:%d found it; the device tells when the host next waits for it",
       kOps[found.code], found.index, signed_range ? -found.size : 0LL, found.size, device);
}

}  // namespace catena::gpu
