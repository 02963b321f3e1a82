#include "catena/nn/module_items.hpp"

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/nn/clone.hpp"

namespace catena::nn::detail {

ModuleItems::ModuleItems(const ModuleItems& o) : list_(o.list_) {
  if (!CloneScope::active()) return;
  list_ = std::make_shared<std::vector<Item>>(*o.list_);
  for (Item& item : *list_) {
    if (!item.copy)
      throw ArgumentError(fmt::format(
          "[clone] the part '{}' is a {}, which has no copy constructor or was added as another "
          "class; expected a class that can be copied; add it under its own type",
          item.name, item.module->type()));
    item.module = item.copy(*item.module);
  }
}

Module& ModuleItems::at(std::int64_t i, const Module& container,
                        const std::source_location& loc) const {
  const auto n = static_cast<std::int64_t>(list_->size());
  if (i < -n || i >= n)
    throw_argument(container.type(),
                   fmt::format("{}{}there is no module {}; expected {}", container.name(),
                               container.name().empty() ? "" : ": ", i,
                               n == 0 ? "one that was added; the container is empty"
                                      : fmt::format("{} to {}", -n, n - 1)),
                   loc);
  return *(*list_)[static_cast<std::size_t>(i < 0 ? i + n : i)].module;
}

}  // namespace catena::nn::detail
