// Sequential: modules one after the other.
#pragma once

#include <concepts>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catena/nn/module.hpp"

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
    register_module(std::to_string(modules_->size()), module);
    modules_->push_back(std::move(module));
  }

  Tensor forward(Tensor x) override;
  std::size_t size() const { return modules_->size(); }
  Module& operator[](std::size_t i) const { return *modules_->at(i); }

 protected:
  Tensor run(Tensor x, const Location& loc) override;

 private:
  using List = std::vector<std::shared_ptr<Module>>;
  std::shared_ptr<List> modules_ = std::make_shared<List>();  // one list for all copies
};

}  // namespace catena::nn
