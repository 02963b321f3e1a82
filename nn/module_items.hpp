// The modules a container holds, for ModuleList, ModuleDict and Sequential.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <source_location>
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
  template <class Iterator>
  Iterator begin() const {
    return Iterator(list_->data());
  }
  template <class Iterator>
  Iterator end() const {
    return Iterator(list_->data() + list_->size());
  }
  // Module i of `container`; negative counts from the end. Error: there is none.
  Module& at(std::int64_t i, const Module& container, const std::source_location& loc) const;

 private:
  std::shared_ptr<std::vector<Item>> list_ = std::make_shared<std::vector<Item>>();
};

// What a loop over a container gives: Get makes it of an item.
template <auto Get>
class ItemIterator {
 public:
  using reference = std::invoke_result_t<decltype(Get), const ModuleItems::Item&>;
  using value_type = std::remove_cvref_t<reference>;
  using difference_type = std::ptrdiff_t;

  ItemIterator() = default;
  explicit ItemIterator(const ModuleItems::Item* at) : at_(at) {}
  reference operator*() const { return Get(*at_); }
  ItemIterator& operator++() {
    ++at_;
    return *this;
  }
  ItemIterator operator++(int) { return ItemIterator(at_++); }
  bool operator==(const ItemIterator&) const = default;

 private:
  const ModuleItems::Item* at_ = nullptr;
};
inline Module& module_of(const ModuleItems::Item& item) { return *item.module; }
inline std::pair<const std::string&, Module&> named_module_of(const ModuleItems::Item& item) {
  return {item.name, *item.module};
}

}  // namespace catena::nn::detail
