#include "catena/ops/loss_reduction.hpp"

#include <fmt/format.h>

#include <vector>

#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"

namespace catena {
namespace {

constexpr Reduction kReductions[] = {Reduction::kMean, Reduction::kSum, Reduction::kNone};

}  // namespace

bool detail::find_reduction(std::string_view name, Reduction* found) {
  for (Reduction r : kReductions) {
    if (name != name_of(r)) continue;
    *found = r;
    return true;
  }
  return false;
}

std::string detail::unknown_reduction(std::string_view name) {
  std::vector<std::string> names;
  for (Reduction r : kReductions) names.push_back(name_of(r));
  return fmt::format("unknown reduction \"{}\"; expected \"mean\", \"sum\" or \"none\"{}", name,
                     near_names(name, names));
}

Reduction reduction_from_name(std::string_view name, std::source_location loc) {
  Reduction reduction;
  if (!detail::find_reduction(name, &reduction))
    throw_argument("reduction", detail::unknown_reduction(name), loc);
  return reduction;
}

const char* name_of(Reduction reduction) {
  switch (reduction) {
    case Reduction::kMean:
      return "mean";
    case Reduction::kSum:
      return "sum";
    case Reduction::kNone:
      break;
  }
  return "none";
}

}  // namespace catena
