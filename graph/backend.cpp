#include "catena/graph/backend.hpp"

#include <atomic>

#include "catena/graph/backend_loader.hpp"
#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"

namespace catena {
namespace {
std::atomic<Backend*> backends[kNumDeviceTypes];
}

void register_backend(Backend& backend) {
  backends[static_cast<int>(backend.type())].store(&backend, std::memory_order_release);
}

Backend& backend_of(Device device) {
  auto& slot = backends[static_cast<int>(device.type)];
  if (Backend* b = slot.load(std::memory_order_acquire)) [[likely]]
    return *b;
  init();
  if (Backend* b = slot.load(std::memory_order_acquire)) return *b;
  const std::string& why = detail::try_load_backend(device.type);
  if (Backend* b = slot.load(std::memory_order_acquire)) return *b;
  throw SystemError(why);
}

bool is_available(Device device) {
  init();
  auto& slot = backends[static_cast<int>(device.type)];
  if (!slot.load(std::memory_order_acquire)) detail::try_load_backend(device.type);
  Backend* b = slot.load(std::memory_order_acquire);
  return b && device.index < b->device_count();
}

}  // namespace catena
