#include "catena/nn/mode_guard.hpp"

#include "catena/nn/module_state.hpp"

namespace catena::nn {

ModeGuard::ModeGuard(Module& model, bool training) {
  const auto note = [&](auto& self, const std::shared_ptr<detail::ModuleState>& module) -> void {
    before_.emplace_back(module, module->training);
    for (const auto& [name, child] : module->children) self(self, child);
  };
  note(note, model.shared_state());
  model.train(training);
}

ModeGuard::~ModeGuard() {
  for (const auto& [module, training] : before_) module->training = training;
}

}  // namespace catena::nn
