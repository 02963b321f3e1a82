// What a module calls before and after it computes. Not a public header: Module::register_* is.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "catena/graph/tensor.hpp"

namespace catena::nn {
class Module;
}

namespace catena::nn::detail {

template <class Function>
class HookList {
 public:
  HookList() = default;
  // A clone() has the same hooks, and removes them for itself.
  HookList(const HookList& o) : list_(std::make_shared<List>(*o.list_)) {}
  HookList& operator=(const HookList&) = delete;

  HookHandle add(Function hook) {
    const std::uint64_t id = list_->next++;
    list_->hooks.emplace_back(id, std::move(hook));
    return HookHandle([weak = std::weak_ptr(list_), id] {
      if (const auto list = weak.lock())
        std::erase_if(list->hooks, [id](const auto& h) { return h.first == id; });
    });
  }
  bool empty() const { return list_->hooks.empty(); }
  // f(hook) for each; a hook may remove itself.
  template <class F>
  void for_each(const F& f) const {
    const auto hooks = list_->hooks;
    for (const auto& [id, hook] : hooks) f(hook);
  }

 private:
  struct List {
    std::uint64_t next = 0;
    std::vector<std::pair<std::uint64_t, Function>> hooks;
  };
  std::shared_ptr<List> list_ = std::make_shared<List>();
};

struct Hooks {
  HookList<std::function<Tensor(Module&, const Tensor& x)>> before;
  HookList<std::function<Tensor(Module&, const Tensor& x, const Tensor& y)>> after;
  HookList<std::function<Tensor(const Tensor& gradient)>> backward;
};

}  // namespace catena::nn::detail
