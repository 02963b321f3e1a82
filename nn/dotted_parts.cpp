#include "catena/nn/dotted_parts.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "catena/graph/error.hpp"

namespace catena::nn {

Module& DottedParts::owner(Module& root, const std::string& name, std::string* own,
                           Module::Location loc) {
  if (const auto dots = std::count(name.begin(), name.end(), '.'); dots > kMostDots)
    throw_argument("register_module",
                   fmt::format("a tensor's name has {} dots ('{}...'); expected at most {}", dots,
                               name.substr(0, 40), kMostDots),
                   loc);
  Module* at = &root;
  std::size_t from = 0;
  for (std::size_t dot = name.find('.'); dot != std::string::npos;
       from = dot + 1, dot = name.find('.', from)) {
    const std::string path = name.substr(0, dot);
    auto it = parts_.find(path);
    if (it == parts_.end()) {
      it = parts_.emplace(path, Module()).first;
      at->register_module(path.substr(from), it->second, loc);
    }
    at = &it->second;
  }
  *own = name.substr(from);
  return *at;
}

Tensor DottedParts::add_parameter(Module& root, const std::string& name, Tensor value,
                                  Module::Location loc) {
  std::string own;
  return owner(root, name, &own, loc).register_parameter(own, std::move(value), loc);
}

Tensor DottedParts::add_buffer(Module& root, const std::string& name, Tensor value, bool persistent,
                               Module::Location loc) {
  std::string own;
  return owner(root, name, &own, loc).register_buffer(own, std::move(value), persistent, loc);
}

}  // namespace catena::nn
