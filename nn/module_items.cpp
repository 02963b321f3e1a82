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

}  // namespace catena::nn::detail
