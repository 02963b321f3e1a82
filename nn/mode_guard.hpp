// Training or evaluation mode for a scope.
#pragma once

#include <memory>
#include <utility>
#include <vector>

#include "catena/nn/module.hpp"

namespace catena::nn {

//   nn::ModeGuard evaluation(net, false);
//
// puts a model into a mode; at the end of the scope, also when an exception passes, each of its
// modules gets back the mode it had.
class ModeGuard {
 public:
  ModeGuard(Module& model, bool training);
  ~ModeGuard();
  ModeGuard(const ModeGuard&) = delete;
  ModeGuard& operator=(const ModeGuard&) = delete;

 private:
  std::vector<std::pair<std::shared_ptr<detail::ModuleState>, bool>> before_;
};

}  // namespace catena::nn
