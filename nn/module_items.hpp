// The modules a container holds, for ModuleList, ModuleDict and Sequential.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "catena/nn/module.hpp"

namespace catena::nn::detail {

// Modules by name, in order. Copies of a container share the list; a clone() gets its own.
class ModuleItems {
 public:
  struct Item {
    std::string name;
    std::shared_ptr<Module> module;
    std::shared_ptr<Module> (*copy)(const Module&) = nullptr;  // null: of a class that has none
  };

  ModuleItems() = default;
  ModuleItems(const ModuleItems& o);
  ModuleItems& operator=(const ModuleItems&) = delete;

  template <std::derived_from<Module> M>
  void add(std::string name, std::shared_ptr<M> module) {
    Item item{std::move(name), module, nullptr};
    if constexpr (std::copy_constructible<M>)
      if (typeid(*module) == typeid(M))
        item.copy = [](const Module& m) -> std::shared_ptr<Module> {
          return std::make_shared<M>(static_cast<const M&>(m));
        };
    list_->push_back(std::move(item));
  }
  const std::vector<Item>& list() const { return *list_; }

 private:
  std::shared_ptr<std::vector<Item>> list_ = std::make_shared<std::vector<Item>>();
};

}  // namespace catena::nn::detail
