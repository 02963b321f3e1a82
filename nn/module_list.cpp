#include "catena/nn/module_list.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "catena/graph/error.hpp"
#include "catena/graph/registry.hpp"
#include "catena/nn/module_state.hpp"

namespace catena::nn {

void detail::throw_other_class(const char* container, std::string_view name, const Module& module,
                               const char* wanted, const std::source_location& loc) {
  throw_argument(container,
                 fmt::format("'{}' is a {}; expected a {}; ask for it as what it is", name,
                             module.type(), class_name(wanted)),
                 loc);
}

bool ModuleDict::contains(std::string_view name) const {
  return std::ranges::any_of(modules_.list(), [&](const auto& item) { return item.name == name; });
}

std::vector<std::string> ModuleDict::keys() const {
  std::vector<std::string> names;
  for (const auto& item : modules_.list()) names.push_back(item.name);
  return names;
}

Module& ModuleDict::at(std::string_view name, Location loc) const {
  for (const auto& item : modules_.list())
    if (item.name == name) return *item.module;
  throw_argument(
      "ModuleDict",
      fmt::format("there is no module '{}'{}", name, catena::detail::near_names(name, keys())),
      loc);
}

}  // namespace catena::nn
