// Sequential: modules one after the other.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>

#include "catena/nn/module_items.hpp"

namespace catena::nn {

//   nn::Sequential net(nn::Linear(64, 32), nn::ReLU(), nn::Linear(32, 10));
// The modules are registered as "0", "1", ...
class Sequential : public Module {
 public:
  Sequential() = default;
  template <std::derived_from<Module>... Modules>
  explicit Sequential(Modules... modules) {
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

  Tensor forward(Tensor x) override;
  std::size_t size() const { return modules_.list().size(); }
  // Module i; negative counts from the end. Error: there is none.
  Module& at(std::int64_t i, Location loc = Location::current()) const {
    return modules_.at(i, *this, loc);
  }
  Module& operator[](Position i) const { return at(i.index, i.location); }
  // for (nn::Module& layer : net) x = layer(x);
  using Iterator = detail::ItemIterator<detail::module_of>;
  Iterator begin() const { return modules_.begin<Iterator>(); }
  Iterator end() const { return modules_.end<Iterator>(); }

 protected:
  Tensor run(Tensor x, const Location& loc) override;

 private:
  detail::ModuleItems modules_;
};

}  // namespace catena::nn
