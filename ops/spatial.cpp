#include "catena/ops/spatial.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena {

Shape Sizes::of(int count, const char* op, const char* what, std::int64_t least,
                const std::source_location& location) const {
  if (each_ && values_.rank() != count)
    throw_argument(op,
                   fmt::format("{} {} has {} numbers; expected one, or {}, one for each spatial "
                               "dimension",
                               what, to_string(values_), values_.rank(), count),
                   location);
  for (const std::int64_t v : values_)
    if (v < least)
      throw_argument(op, fmt::format("{} {}; expected {} or more", what, v, least), location);
  return each_ ? values_ : Shape::filled(count, values_[0]);
}

}  // namespace catena
