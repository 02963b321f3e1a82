#include "catena/train/names.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"

namespace catena::train {

void throw_unknown_name(std::string_view op, std::string_view kind, std::string_view given,
                        std::span<const std::string> available, const std::source_location& loc) {
  const std::string near = catena::detail::near_names(given, available);
  throw_argument(op,
                 fmt::format("unknown {} '{}'{} available: {}", kind, given,
                             near.empty() ? ";" : near + "?", fmt::join(available, ", ")),
                 loc);
}

}  // namespace catena::train
