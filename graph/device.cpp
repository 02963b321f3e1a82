#include "catena/graph/device.hpp"

#include <charconv>

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena {

std::string to_string(Device device) {
  return device.is_cpu() ? "cpu" : fmt::format("cuda:{}", device.index);
}

Device device_from_name(std::string_view name) {
  if (name == "cpu") return kCpu;
  if (name == "cuda") return cuda();
  if (name.substr(0, 5) == "cuda:") {
    std::uint8_t index = 0;
    const char* end = name.data() + name.size();
    if (auto [p, e] = std::from_chars(name.data() + 5, end, index); e == std::errc() && p == end)
      return cuda(index);
  }
  throw ArgumentError(
      fmt::format("[device] there is no device '{}'; expected cpu, cuda or cuda:N", name));
}

}  // namespace catena
