// Where a tensor's memory lives and which backend computes with it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace catena {

enum class DeviceType : std::uint8_t { kCpu, kCuda };
inline constexpr int kNumDeviceTypes = 2;

struct Device {
  DeviceType type = DeviceType::kCpu;
  std::uint8_t index = 0;
  constexpr bool is_cpu() const { return type == DeviceType::kCpu; }
  friend constexpr bool operator==(Device, Device) = default;
};

inline constexpr Device kCpu{DeviceType::kCpu, 0};
constexpr Device cuda(std::uint8_t index = 0) { return {DeviceType::kCuda, index}; }

// "cpu", "cuda:0".
std::string to_string(Device device);
// "cpu", "cuda" or "cuda:N"; throws ArgumentError otherwise.
Device device_from_name(std::string_view name);

}  // namespace catena
