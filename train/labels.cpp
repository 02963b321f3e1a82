#include "catena/train/labels.hpp"

#include <fmt/format.h>

#include <unordered_map>

#include "catena/graph/error.hpp"

namespace catena::train {

Classes find_classes(std::string_view op, const Tensor& labels, const std::source_location& loc) {
  if (!labels.defined() || labels.rank() != 1 || labels.numel() == 0 || is_floating(labels.dtype()))
    throw_argument(op,
                   fmt::format("labels are {}; expected a vector of integers, one per sample",
                               labels.defined() ? fmt::format("{} {}", name_of(labels.dtype()),
                                                              to_string(labels.shape()))
                                                : "undefined"),
                   loc);
  Classes out;
  std::unordered_map<std::int64_t, std::int64_t> number;
  const std::vector<std::int64_t> values = labels.to_vector<std::int64_t>(loc);
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto [at, is_new] = number.emplace(values[i], std::int64_t(out.labels.size()));
    if (is_new) {
      out.labels.push_back(values[i]);
      out.members.emplace_back();
    }
    out.of.push_back(at->second);
    out.members[static_cast<std::size_t>(at->second)].push_back(static_cast<std::int64_t>(i));
  }
  return out;
}

}  // namespace catena::train
