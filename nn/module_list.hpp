// ModuleList and ModuleDict: modules that a model keeps in a list or under names, to call as it
// likes.
#pragma once

#include <concepts>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "catena/nn/module_items.hpp"

namespace catena::nn {

namespace detail {
[[noreturn]] void throw_other_class(const char* container, std::string_view name,
                                    const Module& module, const char* wanted,
                                    const std::source_location& loc);
template <std::derived_from<Module> M>
M& as(Module& module, const char* container, std::string_view name,
      const std::source_location& loc) {
  if (auto* m = dynamic_cast<M*>(&module)) return *m;
  throw_other_class(container, name, module, typeid(M).name(), loc);
}
}  // namespace detail

//   nn::ModuleList layers;
//   for (int i = 0; i < 4; ++i) layers.push_back(nn::Linear(64, 64));
//   add("layers", layers);
// The modules are registered as "0", "1", ...
class ModuleList : public Module {
 public:
  ModuleList() = default;
  template <std::derived_from<Module>... Modules>
  explicit ModuleList(Modules... modules) {
    (push_back(std::move(modules)), ...);
  }

  template <std::derived_from<Module> M>
  void push_back(M module) {
    push_back(std::make_shared<M>(std::move(module)));
  }
  template <std::derived_from<Module> M>
  void push_back(std::shared_ptr<M> module) {
    const std::string name = std::to_string(size());
    register_module(name, module);
    modules_.add(name, std::move(module));
  }

  std::size_t size() const { return modules_.list().size(); }
  // Module i; negative counts from the end. Error: there is none.
  Module& at(std::int64_t i, Location loc = Location::current()) const {
    return modules_.at(i, *this, loc);
  }
  Module& operator[](Position i) const { return at(i.index, i.location); }
  // The same as a class of its own. Error: it is of another.
  template <std::derived_from<Module> M>
  M& at(std::int64_t i, Location loc = Location::current()) const {
    return detail::as<M>(at(i, loc), "ModuleList", std::to_string(i), loc);
  }
  // for (nn::Module& layer : layers) x = layer(x);
  using Iterator = detail::ItemIterator<detail::module_of>;
  Iterator begin() const { return modules_.begin<Iterator>(); }
  Iterator end() const { return modules_.end<Iterator>(); }

 private:
  detail::ModuleItems modules_;
};

//   nn::ModuleDict heads;
//   heads.insert("digit", nn::Linear(64, 10));
// In the order of insertion.
class ModuleDict : public Module {
 public:
  // Errors: a name used twice, empty or with a dot.
  template <std::derived_from<Module> M>
  void insert(std::string name, M module, Location loc = Location::current()) {
    insert(std::move(name), std::make_shared<M>(std::move(module)), loc);
  }
  template <std::derived_from<Module> M>
  void insert(std::string name, std::shared_ptr<M> module, Location loc = Location::current()) {
    register_module(name, module, loc);
    modules_.add(std::move(name), std::move(module));
  }

  std::size_t size() const { return modules_.list().size(); }
  bool contains(std::string_view name) const;
  std::vector<std::string> keys() const;
  // Error: there is none of that name.
  Module& at(std::string_view name, Location loc = Location::current()) const;
  Module& operator[](std::string_view name) const { return at(name, Location()); }
  template <std::derived_from<Module> M>
  M& at(std::string_view name, Location loc = Location::current()) const {
    return detail::as<M>(at(name, loc), "ModuleDict", name, loc);
  }
  // for (auto [name, head] : heads) outputs[name] = head(x);
  using Iterator = detail::ItemIterator<detail::named_module_of>;
  Iterator begin() const { return modules_.begin<Iterator>(); }
  Iterator end() const { return modules_.end<Iterator>(); }

 private:
  detail::ModuleItems modules_;
};

}  // namespace catena::nn
