#include "catena/nn/clone.hpp"

#include <utility>

#include <fmt/format.h>

#include "catena/graph/autograd.hpp"
#include "catena/graph/error.hpp"
#include "catena/nn/module_state.hpp"

namespace catena::nn::detail {
namespace {

thread_local CloneScope* scope = nullptr;

std::uint32_t handles(const catena::detail::TensorImpl* t) {
  return catena::detail::handles_in(t->counts.load(std::memory_order_acquire));
}

}  // namespace

CloneScope* CloneScope::active() { return scope; }

CloneScope::CloneScope(const std::shared_ptr<ModuleState>& root) {
  set_paths(*add(root, ""), "");
  // Now every handle taken on the way is dropped again.
  for (auto& [original, copied] : tensors_) copied.handles_before = handles(original);
  before_ = std::exchange(scope, this);
}
CloneScope::~CloneScope() { scope = before_; }

std::shared_ptr<ModuleState> CloneScope::add(const std::shared_ptr<ModuleState>& original,
                                             std::string name) {
  if (const auto it = states_.find(original.get()); it != states_.end()) {
    ++it->second.uses_in_tree;
    return it->second.copy;
  }
  auto copy = std::make_shared<ModuleState>(*original);
  states_.emplace(original.get(), CopiedState{original, copy, 1, false, name});
  for (auto* list : {&copy->parameters, &copy->buffers})
    for (ModuleState::Entry& entry : *list)
      entry.tensor = add(entry.tensor, name.empty() ? entry.name : name + "." + entry.name);
  for (auto& [child_name, child] : copy->children)
    child = add(child, name.empty() ? child_name : name + "." + child_name);
  return copy;
}

Tensor CloneScope::add(const Tensor& original, std::string name) {
  if (const auto it = tensors_.find(original.impl()); it != tensors_.end()) return it->second.copy;
  NoGrad off;
  Tensor copy = original.clone();
  copy.set_requires_grad(original.requires_grad());
  tensors_.emplace(original.impl(), CopiedTensor{copy, 0, std::move(name)});
  return copy;
}

std::shared_ptr<ModuleState> CloneScope::copied(const std::shared_ptr<ModuleState>& original) {
  const auto it = states_.find(original.get());
  if (it == states_.end()) return original;
  it->second.asked_for = true;
  return it->second.copy;
}

Tensor CloneScope::copied(const Tensor& original) const {
  const auto it = tensors_.find(original.impl());
  return it == tensors_.end() ? original : it->second.copy;
}

void CloneScope::check(std::string_view type, const std::source_location& loc) const {
  for (const auto& [original, copied] : tensors_)
    if (handles(original) != copied.handles_before)
      throw_argument("clone",
                     fmt::format("{} keeps '{}' in a member of type Tensor, which the copy would "
                                 "share; expected nn::Parameter; declare the member as that",
                                 type, copied.name),
                     loc);
  // One that nobody holds beside the tree (and this list) cannot be called, so nothing is shared.
  for (const auto& [key, state] : states_)
    if (!state.asked_for && state.original.use_count() > state.uses_in_tree + 1)
      throw_argument("clone",
                     fmt::format("{} holds its part '{}' by a pointer, which the copy would share; "
                                 "expected a member or a container of modules; hold it by value",
                                 type, state.name),
                     loc);
}

Tensor copied(const Tensor& original) {
  return scope && original.defined() ? std::as_const(*scope).copied(original) : original;
}

void throw_assigned() {
  throw ArgumentError(
      "[parameter] a Parameter that holds a tensor is assigned another; expected the same one, as "
      "the module's parameters(), optimizers and files would go on with the old; write into it "
      "instead: copy_(value) under NoGrad");
}

void throw_not_cloned_as(const Module& model, const char* type, const std::source_location& loc) {
  throw_argument("clone",
                 fmt::format("the model is a {}, not a {}; a copy as that would lose what {} adds; "
                             "clone it under its own type",
                             model.type(), class_name(type), model.type()),
                 loc);
}

}  // namespace catena::nn::detail
