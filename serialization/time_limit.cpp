#include "catena/serialization/time_limit.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena::detail {

void TimeLimit::compare() const {
  const std::chrono::duration<double> passed = std::chrono::steady_clock::now() - start_;
  if (!(passed.count() <= seconds_))
    throw ArgumentError(
        fmt::format("{}: took more than {} seconds; raise max_seconds if the file is trusted",
                    subject_, seconds_));
}

}  // namespace catena::detail
