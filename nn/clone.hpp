// Copies of modules that share nothing with the original.
#pragma once

#include <concepts>
#include <cstdint>
#include <memory>
#include <source_location>
#include <string>
#include <string_view>
#include <typeinfo>
#include <unordered_map>

#include "catena/nn/module.hpp"

namespace catena::nn {

namespace detail {

// While one lives, copying a module of `root`'s tree on this thread, or a Parameter of one, gives
// the clone's instead of another handle of the same.
class CloneScope {
 public:
  explicit CloneScope(const std::shared_ptr<ModuleState>& root);
  ~CloneScope();
  CloneScope(const CloneScope&) = delete;
  CloneScope& operator=(const CloneScope&) = delete;

  // Throws when the copy still shares a tensor or a module with the original.
  void check(std::string_view type, const std::source_location& loc) const;

  static CloneScope* active();
  std::shared_ptr<ModuleState> copied(const std::shared_ptr<ModuleState>& original);
  Tensor copied(const Tensor& original) const;

 private:
  struct CopiedState {
    std::shared_ptr<ModuleState> original, copy;
    long uses_in_tree = 0;  // of the original
    bool asked_for = false;
    std::string name;
  };
  struct CopiedTensor {
    Tensor copy;
    std::uint32_t handles_before = 0;  // of the original
    std::string name;
  };
  std::shared_ptr<ModuleState> add(const std::shared_ptr<ModuleState>& original, std::string name);
  Tensor add(const Tensor& original, std::string name);

  std::unordered_map<const ModuleState*, CopiedState> states_;
  std::unordered_map<const catena::detail::TensorImpl*, CopiedTensor> tensors_;
  CloneScope* before_;
};

[[noreturn]] void throw_not_cloned_as(const Module& model, const char* type,
                                      const std::source_location& loc);

}  // namespace detail

// A copy with parameters, buffers, mode and hooks of its own, the values being the original's; what
// is tied in the original is tied in the copy. Gradients are not copied. The class needs a copy
// constructor that copies all members (the one every class has unless it says otherwise).
// A member of type Tensor that is not registered is shared, as by any copy of a Tensor.
// Errors: a registered tensor kept in a member of type Tensor (declare it nn::Parameter) or a part
// held by a pointer, which the copy would share; a model whose class is not M.
template <std::derived_from<Module> M>
requires std::copy_constructible<M> M
clone(const M& model, std::source_location loc = std::source_location::current()) {
  if (typeid(model) != typeid(M)) detail::throw_not_cloned_as(model, typeid(M).name(), loc);
  detail::CloneScope scope(model.shared_state());
  M copy(model);
  scope.check(model.type(), loc);
  return copy;
}

}  // namespace catena::nn
