#include "catena/graph/error.hpp"

#include <fmt/format.h>

namespace catena {

std::string called_at(const std::source_location& location) {
  const std::string_view path = location.file_name();
  if (path.empty() || location.line() == 0) return "";
  const auto slash = path.rfind('/');
  return fmt::format(" (called at {}:{})",
                     slash == std::string_view::npos ? path : path.substr(slash + 1),
                     location.line());
}

void throw_argument(std::string_view op, std::string_view what,
                    const std::source_location& location) {
  throw ArgumentError(fmt::format("[{}] {}.{}", op, what, called_at(location)));
}

void throw_internal(std::string_view what, const std::source_location& location) {
  throw InternalError(fmt::format("[catena] a bug of the library: {}; please report it{}", what,
                                  called_at(location)));
}

}  // namespace catena
